"""Send masks to the device as bytes and decode them there: python examples/gpu_masks.py [RELEASE] [--device cuda] [--workers 2]

Workers hand over a few hundred bytes per mask instead of a bitmap; the device draws it. Without --device, CUDA is used where it is.
"""

import argparse
from pathlib import Path
from typing import Any

import torch
from torch.utils.data import DataLoader
from torch_loop import loss_of, tiny_net

import brokenvideos
from brokenvideos.frames import clips
from brokenvideos.masks import collate_planes, decode

HEIGHT, WIDTH, NUM_FRAMES = 48, 64, 8


def collate_clips(items: list[dict[str, Any]]) -> dict[str, Any]:
    """A batch of clips whose masks are strings: plane b · T + t holds all objects in frame t of clip b."""
    entries = [(place, entry) for place, item in enumerate(items) for entry in item["masks"]]
    masks = collate_planes(
        [entry["rle"]["counts"] for _, entry in entries],
        height=HEIGHT,
        width=WIDTH,
        planes=[place * NUM_FRAMES + entry["frame"] for place, entry in entries],
        num_planes=len(items) * NUM_FRAMES,
    )
    return {
        "video": torch.stack([item["video"] for item in items]),
        "valid": torch.stack([item["valid"] for item in items]),
        "masks": masks,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="Train a tiny network with masks that are decoded on the device.")
    parser.add_argument("release", nargs="?", type=Path, default=Path(brokenvideos.__path__[0]) / "sample")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--workers", type=int, default=0)
    wishes = parser.parse_args()

    torch.manual_seed(0)
    model = tiny_net().to(wishes.device)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    dataset = clips(wishes.release, num_frames=NUM_FRAMES, size=(HEIGHT, WIDTH), masks="rle", shuffle=True)
    loader = DataLoader(
        dataset,
        batch_size=4,
        num_workers=wishes.workers,
        collate_fn=collate_clips,
        pin_memory=wishes.device != "cpu",
    )
    for step, batch in enumerate(loader):
        bitmaps = decode(batch["masks"], device=wishes.device).view(-1, NUM_FRAMES, HEIGHT, WIDTH)
        on_device = {
            "video": batch["video"].to(wishes.device, non_blocking=True),
            "valid": batch["valid"].to(wishes.device, non_blocking=True),
            "masks": bitmaps,
        }
        loss = loss_of(model, on_device)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        travelled, dense = batch["masks"].nbytes, bitmaps.nbytes
        print(f"step {step} loss {loss.item():.3f} masks came as {travelled} bytes and are {dense}", flush=True)


if __name__ == "__main__":
    main()
