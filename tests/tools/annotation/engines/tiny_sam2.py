"""SAM 2 so small that a test can run it: random weights that do answer and propagate, for
`transformers` and the package.
"""

import re
from collections.abc import Callable
from typing import Any

import torch

SIDE, WIDTH = 128, 128
"""Pixels, and channels: 64 of the memory's are written into the code of `transformers`, and two of
its heads go into them.
"""
STEPS = (4, 8, 16)

_RENAMED = (
    (r"^vision_encoder\.backbone\.", "image_encoder.trunk."),
    (r"^vision_encoder\.neck\.convs\.(\d+)\.", r"image_encoder.neck.convs.\1.conv."),
    (r"\.patch_embed\.projection\.", ".patch_embed.proj."),
    (r"^mask_decoder\.", "sam_mask_decoder."),
    (r"\.upscale_conv1\.", ".output_upscaling.0."),
    (r"\.upscale_layer_norm\.", ".output_upscaling.1."),
    (r"\.upscale_conv2\.", ".output_upscaling.3."),
    (
        r"^prompt_encoder\.shared_embedding\.positional_embedding$",
        "sam_prompt_encoder.pe_layer.positional_encoding_gaussian_matrix",
    ),
    (r"^prompt_encoder\.mask_embed\.conv1\.", "sam_prompt_encoder.mask_downscaling.0."),
    (r"^prompt_encoder\.mask_embed\.layer_norm1\.", "sam_prompt_encoder.mask_downscaling.1."),
    (r"^prompt_encoder\.mask_embed\.conv2\.", "sam_prompt_encoder.mask_downscaling.3."),
    (r"^prompt_encoder\.mask_embed\.layer_norm2\.", "sam_prompt_encoder.mask_downscaling.4."),
    (r"^prompt_encoder\.mask_embed\.conv3\.", "sam_prompt_encoder.mask_downscaling.6."),
    (r"^prompt_encoder\.", "sam_prompt_encoder."),
    (r"^object_pointer_proj\.", "obj_ptr_proj."),
    (r"^temporal_positional_encoding_projection_layer\.", "obj_ptr_tpos_proj."),
    (r"^memory_temporal_positional_encoding$", "maskmem_tpos_enc"),
    (r"^no_memory_embedding$", "no_mem_embed"),
    (r"^no_memory_positional_encoding$", "no_mem_pos_enc"),
    (r"^no_object_pointer$", "no_obj_ptr"),
    (r"^occlusion_spatial_embedding_parameter$", "no_obj_embed_spatial"),
    (r"^memory_encoder\.feature_projection\.", "memory_encoder.pix_feat_proj."),
    (r"^memory_encoder\.projection\.", "memory_encoder.out_proj."),
    (r"^memory_encoder\.memory_fuser\.", "memory_encoder.fuser."),
    (r"\.depthwise_conv\.", ".dwconv."),
    (r"\.pointwise_conv(\d)\.", r".pwconv\1."),
    (r"\.scale$", ".gamma"),
    (r"\.mask_downsampler\.final_conv\.", ".mask_downsampler.encoder.12."),
    (r"^memory_attention\.layer_norm\.", "memory_attention.norm."),
    (r"\.layer_norm_final_attn\.", ".norm_final_attn."),
    (r"\.layer_norm(\d?)\.", r".norm\1."),
    (r"\.o_proj\.", ".out_proj."),
)


def tiny_model() -> Any:
    """A Sam2VideoModel, the same at every call."""
    from transformers import Sam2VideoConfig, Sam2VideoModel

    config = Sam2VideoConfig(vision_config=_vision(), **_rest())
    return _with_weights(lambda: Sam2VideoModel(config))


def tiny_edgetam() -> Any:
    """An EdgeTamVideoModel, on the encoder of SAM 2: its own needs timm."""
    from transformers import EdgeTamVideoConfig, EdgeTamVideoModel

    config = EdgeTamVideoConfig(
        vision_config=_vision(),
        perceiver_resampler_num_latents=16,
        perceiver_resampler_num_latents_2d=16,
        memory_attention_rope_k_sizes=[4, 4],
        **_rest(),
    )
    return _with_weights(lambda: EdgeTamVideoModel(config))


def tiny_sam3() -> Any:
    """A Sam3TrackerVideoModel."""
    from transformers import Sam3TrackerVideoConfig, Sam3TrackerVideoModel

    side, patch = 112, 14
    backbone = {
        "model_type": "sam3_vit_model",
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "image_size": side,
        "patch_size": patch,
        "window_size": 4,
        "global_attn_indexes": [1],
        "pretrain_image_size": side,
    }
    vision = {
        "model_type": "sam3_vision_model",
        "fpn_hidden_size": WIDTH,
        "backbone_feature_sizes": [[32, 32], [16, 16], [8, 8]],
        "backbone_config": backbone,
    }
    rest = {
        **_rest(),
        "image_size": side,
        "prompt_encoder_config": {"hidden_size": WIDTH, "image_size": side, "patch_size": patch},
    }
    config = Sam3TrackerVideoConfig(vision_config=vision, **rest)
    return _with_weights(lambda: Sam3TrackerVideoModel(config))


def _vision() -> dict[str, Any]:
    backbone = {
        "model_type": "sam2_hiera_det_model",
        "image_size": [SIDE, SIDE],
        "hidden_size": 16,
        "num_attention_heads": 1,
        "blocks_per_stage": [1, 1, 2, 1],
        "embed_dim_per_stage": [16, 32, 64, 128],
        "num_attention_heads_per_stage": [1, 2, 4, 8],
        "window_size_per_stage": [8, 4, 4, 4],
        "global_attention_blocks": [3],
        "window_positional_embedding_background_size": [7, 7],
    }
    return {
        "model_type": "sam2_vision_model",
        "backbone_config": backbone,
        "backbone_channel_list": [128, 64, 32, 16],
        "backbone_feature_sizes": [[SIDE // step] * 2 for step in STEPS],
        "fpn_hidden_size": WIDTH,
    }


def _rest() -> dict[str, Any]:
    return {
        "prompt_encoder_config": {"hidden_size": WIDTH, "image_size": SIDE, "patch_size": 16},
        "mask_decoder_config": {
            "hidden_size": WIDTH,
            "mlp_dim": 2048,
            "iou_head_hidden_dim": 256,
            "num_attention_heads": 8,
        },
        "image_size": SIDE,
        "memory_attention_hidden_size": WIDTH,
        "memory_attention_num_layers": 1,
        "memory_attention_feed_forward_hidden_size": 128,
        "memory_attention_rope_feat_sizes": [SIDE // 16] * 2,
        "memory_encoder_hidden_size": WIDTH,
        "memory_encoder_output_channels": 64,
        "mask_downsampler_embed_dim": WIDTH,
        "memory_fuser_num_layers": 1,
        "memory_fuser_embed_dim": WIDTH,
        "memory_fuser_intermediate_dim": 4 * WIDTH,
        # So that its answer is more than a mean of the picture.
        "memory_fuser_layer_scale_init_value": 0.5,
    }


@torch.no_grad()
def _with_weights(make: Callable[[], Any]) -> Any:
    """A new model with weights that keep the size of what goes through them: those of `make` end in
    masks of nothing. Nothing of it depends on the tests before: a model draws its buffers itself.
    """
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = make()
    generator = torch.Generator().manual_seed(0)
    for name, parameter in sorted(model.named_parameters()):
        if parameter.dim() > 1:
            parameter.normal_(0, parameter[0].numel() ** -0.5, generator=generator)
        elif name.endswith("bias") and "norm" not in name:
            parameter.normal_(0, 0.1, generator=generator)
    # One embedding in every checkpoint, two in a new model.
    model.shared_image_embedding.positional_embedding.copy_(
        model.prompt_encoder.shared_embedding.positional_embedding
    )
    # It sees an object everywhere.
    model.mask_decoder.pred_obj_score_head.proj_out.bias += 10
    return model.eval()


def tiny_predictor(state: dict[str, Any]) -> Any:
    """A SAM2VideoPredictor of the package, as its own files would configure one of this size, with
    weights of a `tiny_model`.
    """
    from sam2.modeling.backbones.hieradet import Hiera
    from sam2.modeling.backbones.image_encoder import FpnNeck, ImageEncoder
    from sam2.modeling.memory_attention import MemoryAttention, MemoryAttentionLayer
    from sam2.modeling.memory_encoder import CXBlock, Fuser, MaskDownSampler, MemoryEncoder
    from sam2.modeling.position_encoding import PositionEmbeddingSine
    from sam2.modeling.sam.transformer import RoPEAttention
    from sam2.sam2_video_predictor import SAM2VideoPredictor

    def attention(**more: Any) -> Any:
        feat_sizes = [SIDE // 16] * 2
        return RoPEAttention(
            feat_sizes=feat_sizes,
            embedding_dim=WIDTH,
            num_heads=1,
            downsample_rate=1,
            dropout=0.1,
            **more,
        )

    trunk = Hiera(
        embed_dim=16,
        num_heads=1,
        stages=[1, 1, 2, 1],
        global_att_blocks=[3],
        window_pos_embed_bkg_spatial_size=[7, 7],
        window_spec=[8, 4, 4, 4],
    )
    neck = FpnNeck(
        position_encoding=PositionEmbeddingSine(num_pos_feats=WIDTH),
        d_model=WIDTH,
        backbone_channel_list=[128, 64, 32, 16],
        fpn_top_down_levels=[2, 3],
        fpn_interp_model="nearest",
    )
    layer = MemoryAttentionLayer(
        activation="relu",
        dim_feedforward=128,
        dropout=0.1,
        pos_enc_at_attn=False,
        self_attention=attention(),
        d_model=WIDTH,
        pos_enc_at_cross_attn_keys=True,
        pos_enc_at_cross_attn_queries=False,
        cross_attention=attention(rope_k_repeat=True, kv_in_dim=64),
    )
    predictor = SAM2VideoPredictor(
        image_encoder=ImageEncoder(scalp=1, trunk=trunk, neck=neck),
        memory_attention=MemoryAttention(
            d_model=WIDTH, pos_enc_at_input=True, layer=layer, num_layers=1
        ),
        memory_encoder=MemoryEncoder(
            in_dim=WIDTH,
            out_dim=64,
            position_encoding=PositionEmbeddingSine(num_pos_feats=64),
            mask_downsampler=MaskDownSampler(embed_dim=WIDTH, kernel_size=3, stride=2, padding=1),
            fuser=Fuser(layer=CXBlock(dim=WIDTH), num_layers=1),
        ),
        image_size=SIDE,
        sigmoid_scale_for_mem_enc=20.0,
        sigmoid_bias_for_mem_enc=-10.0,
        use_mask_input_as_output_without_sam=True,
        directly_add_no_mem_embed=True,
        no_obj_embed_spatial=True,
        use_high_res_features_in_sam=True,
        multimask_output_in_sam=True,
        iou_prediction_use_sigmoid=True,
        use_obj_ptrs_in_encoder=True,
        add_tpos_enc_to_obj_ptrs=True,
        proj_tpos_enc_in_obj_ptrs=True,
        use_signed_tpos_enc_to_obj_ptrs=True,
        only_obj_ptrs_in_the_past_for_eval=True,
        pred_obj_scores=True,
        pred_obj_scores_mlp=True,
        fixed_no_obj_ptr=True,
        multimask_output_for_tracking=True,
        use_multimask_token_for_obj_ptr=True,
        multimask_min_pt_num=0,
        multimask_max_pt_num=1,
        use_mlp_for_obj_ptr_proj=True,
        binarize_mask_from_pts_for_mem_enc=True,
        sam_mask_decoder_extra_args={
            "dynamic_multimask_via_stability": True,
            "dynamic_multimask_stability_delta": 0.05,
            "dynamic_multimask_stability_thresh": 0.98,
        },
    )
    predictor.load_state_dict(as_package_weights(state))
    return predictor.eval()


def as_package_weights(state: dict[str, Any]) -> dict[str, Any]:
    """The weights of a Sam2VideoModel under the package's names."""
    found = {}
    for name, tensor in state.items():
        # the same as the prompt encoder's
        if name == "shared_image_embedding.positional_embedding":
            continue
        if name == "prompt_encoder.point_embed.weight":
            found |= {
                f"sam_prompt_encoder.point_embeddings.{kind}.weight": row[None]
                for kind, row in enumerate(tensor)
            }
            continue
        found[_renamed(name)] = tensor
    return found


def _renamed(name: str) -> str:
    # Layers of the two are counted from different ends: proj_in, layers.0 ... and proj_out here,
    # layers.0, 1, 2 there.
    is_deep = any(part in name for part in ("_head.", "hypernetworks", "object_pointer_proj."))
    if is_deep:
        name = (
            name.replace(".layers.0.", ".layers.1.")
            .replace(".proj_in.", ".layers.0.")
            .replace(".proj_out.", ".layers.2.")
        )
    elif ".mlp." in name:
        name = name.replace(".proj_in.", ".layers.0.").replace(".proj_out.", ".layers.1.")
    down = re.match(
        r"memory_encoder\.mask_downsampler\.layers\.(\d)\.(conv|layer_norm)\.(.*)", name
    )
    if down:
        number = 3 * int(down[1]) + (down[2] == "layer_norm")
        return f"memory_encoder.mask_downsampler.encoder.{number}.{down[3]}"
    for pattern, other in _RENAMED:
        name = re.sub(pattern, other, name)
    return name
