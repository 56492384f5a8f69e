"""The recipe `unet`: a small U-Net in plain torch that sees each frame and the changes around
it.
"""

from itertools import pairwise
from pathlib import Path
from typing import cast

import torch
from huggingface_hub import PyTorchModelHubMixin
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn.functional import interpolate, max_pool2d, pixel_shuffle

from ....release import parse_json
from ..losses import RARE, flat_parameters, mask_loss
from ..planes import APPEARANCE, BLOCK, NUM_FLOW_PLANES, NUM_PLANES, model_planes
from ..recipe import Batch, Recipe, TrainError


def _convolve(channels_in: int, channels_out: int, size: int) -> nn.Sequential:
    convolution = nn.Conv2d(channels_in, channels_out, size, padding=size // 2, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(channels_out), nn.ReLU(inplace=True))


class UNet(nn.Module, PyTorchModelHubMixin):
    """Logits float[B, T, H, W] from video float[B, T, 3, H, W] in [0, 1]; any T, H and W from 1.

    Its input for each frame is `planes.model_planes`, in blocks of 2 x 2 pixels. This is four times
    faster than pixels and just as sharp, because all pixels of a block are separate channels. At
    smaller sizes, some channels of each frame are replaced by those of its neighbours. So, at no
    cost, it also sees changes over a longer time than the planes cover.

    Args:
        widths: channels at half, quarter, eighth … size.
        flow: whether it also sees `flow_planes`, as the recipe `unet-flow` does.
        hidden: share of the clips, in training alone, whose planes of appearance are 0. What is
            broken must then be found by what changes, which new kinds of artifacts have too.

    Source: Ronneberger et al., MICCAI 2015 (U-Net), with sums in place of joined channels; Lin et
    al., ICCV 2019 (temporal shift); Neverova et al., TPAMI 2016 (whole inputs dropped out).
    """

    def __init__(
        self,
        widths: tuple[int, ...] = (16, 32, 64, 48),
        flow: bool = False,
        hidden: float = 0.0,
    ) -> None:
        super().__init__()
        self.flow = flow
        self.hidden = hidden
        ins = (NUM_PLANES + (NUM_FLOW_PLANES if flow else 0), *widths[:-1])
        self.enter = nn.ModuleList(
            _convolve(a, b, 3 if n else 1) for n, (a, b) in enumerate(zip(ins, widths, strict=True))
        )
        self.down = nn.ModuleList(_convolve(width, width, 3) for width in widths)
        self.rise = nn.ModuleList(_convolve(b, a, 1) for a, b in pairwise(widths))
        self.up = nn.ModuleList(_convolve(width, width, 3) for width in widths[:-1])
        self.head = nn.Conv2d(widths[0], BLOCK**2, 1)
        nn.init.constant_(cast(Tensor, self.head.bias), RARE)

    def forward(self, video: Tensor) -> Tensor:
        batch, frames, _, height, width = video.shape
        planes = [model_planes(video)]
        if self.training and self.hidden:
            shown = torch.rand(batch, 1, 1, 1, 1, device=video.device) >= self.hidden
            planes[0][:, :, APPEARANCE] *= shown
        if self.flow:
            from ..flow_planes import flow_planes

            planes.append(flow_planes(video))
        x = torch.cat(planes, dim=2).flatten(0, 1).contiguous(memory_format=torch.channels_last)
        levels: list[Tensor] = []
        for enter, down in zip(self.enter, self.down, strict=True):
            x = down(
                _shifted(enter(max_pool2d(x, 2, ceil_mode=True)), frames) if levels else enter(x)
            )
            levels.append(x)
        for level in reversed(range(len(self.up))):
            x = levels[level] + interpolate(
                self.rise[level](x), size=levels[level].shape[-2:], mode="nearest"
            )
            x = self.up[level](_shifted(x, frames) if level else x)
        logits = pixel_shuffle(self.head(x), BLOCK)
        return logits[..., :height, :width].reshape(batch, frames, height, width)


def _shifted(x: Tensor, frames: int) -> Tensor:
    """[B * T, C, h, w] with an eighth of the channels from the frame after and an eighth from the
    one before.
    """
    clips = x.reshape(-1, frames, *x.shape[1:])
    part = x.shape[1] // 8
    after = torch.cat([clips[:, 1:, :part], clips[:, -1:, :part]], dim=1)
    before = torch.cat([clips[:, :1, part : 2 * part], clips[:, :-1, part : 2 * part]], dim=1)
    return torch.cat([after, before, clips[:, :, 2 * part :]], dim=2).flatten(0, 1)


def make(init: str | None, *, flow: bool = False, hidden: float = 0.0) -> UNet:
    """New weights, or those of a folder that it saved."""
    if init is None:
        return UNet(flow=flow, hidden=hidden)
    if not Path(init).is_dir():
        raise TrainError(
            f"--init {init}: no such folder. The unet starts from new weights, or from a model "
            "that it saved."
        )
    return load(Path(init))


def load(folder: Path) -> UNet:
    # Not by from_pretrained, which prints a line.
    config = parse_json((folder / "config.json").read_bytes())
    model = UNet(
        widths=tuple(config["widths"]),
        flow=config.get("flow", False),
        hidden=config.get("hidden", 0.0),
    )
    model.load_state_dict(load_file(folder / "model.safetensors"))
    return model


def logits(model: nn.Module, batch: Batch) -> Tensor:
    logits: Tensor = model(batch["video"])
    return logits


RECIPE = Recipe(
    name="unet",
    make=make,
    load=load,
    logits=logits,
    loss=mask_loss,
    parameters=flat_parameters,
    size=(128, 128),
    num_frames=12,
    batch_size=4,
    lr=4e-3,
    weight_decay=1e-4,
    context=4,
)
