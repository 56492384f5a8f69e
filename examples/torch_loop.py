"""Train a tiny network to find artifacts, in a plain torch loop that can be cut off and goes on
with the clips it has not seen.

    python examples/torch_loop.py [RELEASE] [--checkpoint FILE] [--stop-after STEPS]

RELEASE is a release folder; without it the sample inside the package is read. With a checkpoint
file the run goes on from there, with the same number of workers (another number:
`brokenvideos.sampling.join_states`).
"""

import argparse
from pathlib import Path

import torch
from torch import nn
from torchdata.stateful_dataloader import StatefulDataLoader

import brokenvideos
from brokenvideos.sampling import clips


def tiny_net() -> nn.Module:
    """Logits [B, 1, T, H, W] from clips [B, 3, T, H, W]."""
    return nn.Sequential(nn.Conv3d(3, 8, 3, padding=1), nn.ReLU(), nn.Conv3d(8, 1, 3, padding=1))


def loss_of(model: nn.Module, batch: dict) -> torch.Tensor:
    """Cross entropy where a person has looked: unknown frames say nothing."""
    video = batch["video"].float().transpose(1, 2) / 255
    logits = model(video)[:, 0]
    known = batch["valid"][:, :, None, None].expand_as(logits)
    return nn.functional.binary_cross_entropy_with_logits(
        logits[known], batch["masks"][known].float()
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="Train a tiny network on clips.")
    parser.add_argument(
        "release", nargs="?", type=Path, default=Path(brokenvideos.__path__[0]) / "sample"
    )
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--workers", type=int, default=0)
    parser.add_argument("--checkpoint", type=Path)
    parser.add_argument(
        "--stop-after",
        type=int,
        help="leave after so many steps, as a machine that is taken away would",
    )
    args = parser.parse_args()

    torch.manual_seed(0)
    model = tiny_net()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    dataset = clips(
        args.release,
        num_frames=8,
        stride=2,
        size=(48, 64),
        clips_per_video=2,
        sampling="broken",
        shuffle=True,
        flip=0.5,
    )
    loader = StatefulDataLoader(dataset, batch_size=4, num_workers=args.workers)
    first_epoch = steps = 0
    if args.checkpoint and args.checkpoint.exists():
        saved = torch.load(args.checkpoint)
        model.load_state_dict(saved["model"])
        optimizer.load_state_dict(saved["optimizer"])
        loader.load_state_dict(saved["loader"])
        first_epoch, steps = saved["epoch"], saved["steps"]

    for epoch in range(first_epoch, args.epochs):
        dataset.set_epoch(epoch)
        for batch in loader:
            loss = loss_of(model, batch)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            steps += 1
            print(
                f"epoch {epoch} step {steps} loss {loss.item():.3f} {' '.join(batch['video_id'])}",
                flush=True,
            )
            if steps == args.stop_after:
                state = {
                    "model": model.state_dict(),
                    "optimizer": optimizer.state_dict(),
                    "loader": loader.state_dict(),
                }
                torch.save({**state, "epoch": epoch, "steps": steps}, args.checkpoint)
                return


if __name__ == "__main__":
    main()
