"""Clips in the loops of others: accelerate, Trainer and Lightning, each the real library, on one
process and on two.
"""

import json
import sys
from collections import Counter
from pathlib import Path

import pytest

from brokenvideos.sampling import clips
from tests.conftest import Run

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

WISHES = "num_frames=2, size=(16, 16), shuffle=True"
START = """
import json, os, sys, warnings
warnings.simplefilter("ignore")
import torch
from torch import nn
from torch.utils.data import DataLoader
from brokenvideos.sampling import clips
folder, out = sys.argv[1:3]
rank = int(os.environ.get("RANK", "0"))
seen = []
def tensors(items):
    names = [[ord(letter) for letter in item["video_id"].ljust(40)] for item in items]
    return {"video": torch.stack([item["video"] for item in items]).float(), "name": torch.tensor(names),
            "at": torch.stack([item["frame_index"] for item in items])}
def note(epoch, names, at):
    seen.extend([epoch, "".join(map(chr, name)).strip(), *where] for name, where in zip(names.tolist(), at.tolist(), strict=True))
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(1))
    def forward(self, video, name=None, at=None):
        if name is not None:
            note(getattr(self, "epoch", 0), name, at)
        return {"loss": (self.scale * video.mean() / 255 - 1).square().mean()}
def dataset(**more):
    return clips(folder, **{"num_frames": 2, "size": (16, 16), "shuffle": True, **more})
def done():
    with open(f"{out}/{rank}.json", "w") as file:
        json.dump(seen, file)
"""
LOOPS = {
    "accelerate": """
from accelerate import Accelerator
accelerator = Accelerator(cpu=True)
loader = accelerator.prepare(DataLoader(dataset(), batch_size=2, collate_fn=tensors))
for epoch in range(2):
    for batch in loader:
        note(epoch, batch["name"], batch["at"])
done()
""",
    "accelerate, each its own batches": """
from accelerate import Accelerator
from accelerate.utils import DataLoaderConfiguration
accelerator = Accelerator(cpu=True, dataloader_config=DataLoaderConfiguration(dispatch_batches=False))
loader = accelerator.prepare(DataLoader(dataset(), batch_size=2))
for epoch in range(2):
    for batch in loader:
        names = torch.tensor([[ord(letter) for letter in name.ljust(40)] for name in batch["video_id"]])
        note(epoch, names, batch["frame_index"])
done()
""",
    "accelerate, not prepared": """
from accelerate import Accelerator
accelerator = Accelerator(cpu=True)
loader = DataLoader(dataset(), batch_size=2, collate_fn=tensors, num_workers=2, multiprocessing_context="fork")
for epoch in range(2):
    for batch in loader:
        note(epoch, batch["name"], batch["at"])
done()
""",
    "Trainer": """
from transformers import Trainer, TrainingArguments, TrainerCallback
class Epochs(TrainerCallback):
    def on_epoch_begin(self, args, state, control, model=None, **more):
        getattr(model, "module", model).epoch = round(state.epoch)
arguments = TrainingArguments(f"{out}/run", num_train_epochs=2, per_device_train_batch_size=1, save_strategy="no", report_to=[],
    use_cpu=True, dataloader_pin_memory=False, disable_tqdm=True, remove_unused_columns=False)
Trainer(model=Net(), args=arguments, train_dataset=dataset(), data_collator=tensors, callbacks=[Epochs()]).train()
done()
""",
    "Lightning": """
import lightning
class Module(lightning.LightningModule):
    def __init__(self):
        super().__init__()
        self.net = Net()
    def training_step(self, batch, number):
        self.net.epoch = self.current_epoch
        return self.net(**batch)["loss"]
    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1)
world = int(os.environ.get("WORLD_SIZE", "1"))
trainer = lightning.Trainer(max_epochs=2, accelerator="cpu", devices=world, strategy="ddp" if world > 1 else "auto", logger=False,
    enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False)
trainer.fit(Module(), DataLoader(dataset(), batch_size=1, collate_fn=tensors))
done()
""",
}
PORTS = iter(range(29611, 29700))


def run_ranks(
    run_process: Run, script: Path, arguments: list[str], *, world_size: int, tmp_path: Path
) -> str:
    """Standard error of all, after a run of as many processes as a launcher would start."""
    port = next(PORTS)
    lines = []
    for rank in range(world_size):
        names = {
            "RANK": rank,
            "LOCAL_RANK": rank,
            "WORLD_SIZE": world_size,
            "LOCAL_WORLD_SIZE": world_size,
        }
        names |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "ACCELERATE_USE_CPU": "true"}
        given = (
            " ".join(f"{name}={value}" for name, value in names.items()) if world_size > 1 else ""
        )
        lines.append(f"{given} {sys.executable} {script} {' '.join(arguments)} & p{rank}=$!")
    waits = "; ".join(f"wait $p{rank} || failed=1" for rank in range(world_size))
    done = run_process(
        ["bash", "-c", f"{chr(10).join(lines)}\n{waits}; exit ${{failed:-0}}"], timeout_s=500
    )
    return "" if done.returncode == 0 else done.stderr[-3000:]


@pytest.mark.parametrize("world_size", [1, 2])
@pytest.mark.parametrize("loop", LOOPS)
def test_every_video_comes_in_every_epoch_and_epochs_differ(
    release: Path, tmp_path: Path, run_process: Run, loop: str, world_size: int
) -> None:
    pytest.importorskip("lightning" if loop == "Lightning" else "transformers")
    script = tmp_path / "loop.py"
    script.write_text(START + LOOPS[loop])
    wrong = run_ranks(
        run_process, script, [str(release), str(tmp_path)], world_size=world_size, tmp_path=tmp_path
    )
    assert not wrong
    seen = [
        entry
        for rank in range(world_size)
        for entry in json.loads((tmp_path / f"{rank}.json").read_text())
    ]
    dataset = clips(release, num_frames=2, size=(16, 16), shuffle=True)
    for epoch in range(2):
        dataset.set_epoch(epoch)
        wanted = {(clip["video_id"], *clip["frame_index"].tolist()) for clip in dataset}
        found = Counter(tuple(entry[1:]) for entry in seen if entry[0] == epoch)
        assert found.keys() == wanted
        # What fills up the last batches comes again.
        assert found.total() - len(wanted) < 2 * world_size


RESUME = """
from transformers import Trainer, TrainingArguments
def train(name, checkpoint=None):
    seen.clear()
    arguments = TrainingArguments(f"{out}/{name}", num_train_epochs=2, per_device_train_batch_size=2, save_strategy="steps",
        save_steps=3, report_to=[], use_cpu=True, dataloader_pin_memory=False, disable_tqdm=True, remove_unused_columns=False)
    trainer = Trainer(model=Net(), args=arguments, train_dataset=dataset(), data_collator=tensors)
    trainer.train(resume_from_checkpoint=checkpoint)
    return [entry[1:] for entry in seen]
whole = train("whole")
rest = train("rest", f"{out}/whole/checkpoint-3")
seen[:] = [whole, rest]
done()
"""


def test_trainer_goes_on_from_a_checkpoint(release: Path, tmp_path: Path, run_process: Run) -> None:
    pytest.importorskip("transformers")
    script = tmp_path / "loop.py"
    script.write_text(START + RESUME)
    assert not run_ranks(
        run_process, script, [str(release), str(tmp_path)], world_size=1, tmp_path=tmp_path
    )
    whole, rest = json.loads((tmp_path / "0.json").read_text())
    assert len(whole) == 2 * len(clips(release, num_frames=2))
    assert rest == whole[6:]


DISPATCHED = """
from accelerate import Accelerator
try:
    for batch in Accelerator(cpu=True).prepare(DataLoader(dataset(), batch_size=2)):
        seen.append("a batch")
except ValueError as error:
    seen.append(str(error))
done()
"""


def test_text_that_accelerate_cannot_send_is_said(
    release: Path, tmp_path: Path, run_process: Run
) -> None:
    pytest.importorskip("accelerate")
    script = tmp_path / "loop.py"
    script.write_text(START + DISPATCHED)
    assert not run_ranks(
        run_process, script, [str(release), str(tmp_path)], world_size=2, tmp_path=tmp_path
    )
    for rank in range(2):
        (said,) = json.loads((tmp_path / f"{rank}.json").read_text())
        assert said.startswith(
            "clips: accelerate sends the batches of this loader from one process to the others,"
        )
