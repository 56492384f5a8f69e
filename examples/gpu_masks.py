"""Send masks to the device as bytes and decode them there: python examples/gpu_masks.py [RELEASE]
[--device cuda] [--workers 2]

Workers hand over a few hundred bytes per mask instead of a bitmap; the device draws it. Without
--device, CUDA is used where it is.
"""

import argparse
from pathlib import Path

import torch
from torch.utils.data import DataLoader
from torch_loop import loss_of, tiny_net

import brokenvideos
from brokenvideos.sampling import clips, collate_rle, to_device


def main() -> None:
    parser = argparse.ArgumentParser(
        description="Train a tiny network with masks that are decoded on the device."
    )
    parser.add_argument(
        "release", nargs="?", type=Path, default=Path(brokenvideos.__path__[0]) / "sample"
    )
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--workers", type=int, default=0)
    args = parser.parse_args()

    torch.manual_seed(0)
    model = tiny_net().to(args.device)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    dataset = clips(args.release, num_frames=8, size=(48, 64), masks="rle", shuffle=True)
    loader = DataLoader(
        dataset,
        batch_size=4,
        num_workers=args.workers,
        collate_fn=collate_rle,
        pin_memory=args.device != "cpu",
    )
    for step, batch in enumerate(loader):
        on_device = to_device(batch, args.device)
        loss = loss_of(model, on_device)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        travelled, dense = batch["masks"].nbytes, on_device["masks"].nbytes
        print(
            f"step {step} loss {loss.item():.3f} masks came as {travelled} bytes and are {dense}",
            flush=True,
        )


if __name__ == "__main__":
    main()
