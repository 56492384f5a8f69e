"""The same with `accelerate`, on one process or many: accelerate launch examples/accelerate_loop.py
[RELEASE]

The clips are shared by `clips` itself, so the loader is not given to `prepare`, which would divide
or broadcast its batches again.
"""

import sys
from pathlib import Path

import torch
from accelerate import Accelerator
from torch.utils.data import DataLoader
from torch_loop import loss_of, tiny_net

import brokenvideos
from brokenvideos.sampling import clips


def main() -> None:
    release = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(brokenvideos.__path__[0]) / "sample"
    accelerator = Accelerator(cpu=not torch.cuda.is_available())
    torch.manual_seed(0)
    model = tiny_net()
    model, optimizer = accelerator.prepare(model, torch.optim.Adam(model.parameters(), lr=1e-2))
    dataset = clips(
        release,
        num_frames=8,
        size=(48, 64),
        shuffle=True,
        rank=accelerator.process_index,
        world_size=accelerator.num_processes,
    )
    loader = DataLoader(dataset, batch_size=4)
    for epoch in range(2):
        dataset.set_epoch(epoch)
        for batch in loader:
            on_device = {
                key: value.to(accelerator.device)
                for key, value in batch.items()
                if torch.is_tensor(value)
            }
            loss = loss_of(model, on_device)
            optimizer.zero_grad()
            accelerator.backward(loss)
            optimizer.step()
            accelerator.print(f"epoch {epoch} loss {loss.item():.3f}")


if __name__ == "__main__":
    main()
