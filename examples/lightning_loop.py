"""The same with PyTorch Lightning: python examples/lightning_loop.py [RELEASE]

`clips` shares the work of loader workers and of the processes of a Trainer itself, so Lightning
must not put in a sampler.
"""

import sys
import tempfile
import warnings
from pathlib import Path

import lightning
import torch
from torch.utils.data import DataLoader
from torch_loop import loss_of, tiny_net

import brokenvideos
from brokenvideos.sampling import clips


class ArtifactModule(lightning.LightningModule):
    """A tiny network that learns where artifacts are."""

    def __init__(self) -> None:
        super().__init__()
        self.net = tiny_net()
        self.losses: list[float] = []

    def training_step(self, batch: dict, batch_index: int) -> torch.Tensor:
        loss = loss_of(self.net, batch)
        self.losses.append(loss.item())
        return loss

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.Adam(self.parameters(), lr=1e-2)


def main() -> None:
    release = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(brokenvideos.__path__[0]) / "sample"
    lightning.seed_everything(0, verbose=False)
    dataset = clips(release, num_frames=8, size=(48, 64), sampling="broken", shuffle=True)
    loader = DataLoader(dataset, batch_size=4)
    model = ArtifactModule()
    with tempfile.TemporaryDirectory() as out, warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*does not have many workers.*")
        trainer = lightning.Trainer(
            max_steps=6,
            accelerator="auto",
            devices=1,
            default_root_dir=out,
            use_distributed_sampler=False,
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
        )
        trainer.fit(model, loader)
    print(f"steps {trainer.global_step} loss {model.losses[0]:.3f} to {model.losses[-1]:.3f}")


if __name__ == "__main__":
    main()
