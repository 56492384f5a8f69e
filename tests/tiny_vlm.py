"""A LLaVA of about 30,000 random parameters with a processor, made in code: `tiny_vlm(folder)`."""

from pathlib import Path

WORDS = ["<unk>", "<pad>", "<s>", "</s>", "<image>", "USER:", "ASSISTANT:"]
TEMPLATE = (
    "{% for message in messages %}{{ 'USER: ' if message['role'] == 'user' else 'ASSISTANT: ' }}{% "
    "if message['content'] is string %}{{ message['content'] }}{% else %}{% for part in "
    "message['content'] %}{% if part['type'] == 'image' %}<image> {% else %}{{ part['text'] }}{% "
    "endif %}{% endfor %}{% endif %}{{ ' ' if message['role'] == 'user' else '</s>' }}{% endfor "
    "%}{% if add_generation_prompt %}ASSISTANT: {% endif %}"
)


def tiny_vlm(folder: Path) -> Path:
    """Writes the model with random weights, its tokenizer of bytes and its picture processor; gives
    the folder back.
    """
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import (
        CLIPVisionConfig,
        LlamaConfig,
        LlavaConfig,
        LlavaForConditionalGeneration,
        LlavaProcessor,
        PreTrainedTokenizerFast,
    )
    from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

    vocabulary = {
        word: number
        for number, word in enumerate([*WORDS, *sorted(pre_tokenizers.ByteLevel.alphabet())])
    }
    bytes_only = Tokenizer(models.BPE(vocabulary, [], unk_token="<unk>"))
    bytes_only.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bytes_only.decoder = decoders.ByteLevel()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=bytes_only,
        unk_token="<unk>",
        pad_token="<pad>",
        bos_token="<s>",
        eos_token="</s>",
        additional_special_tokens=["<image>", "USER:", "ASSISTANT:"],
    )
    pictures = CLIPImageProcessorPil(
        size={"shortest_edge": 28}, crop_size={"height": 28, "width": 28}
    )
    processor = LlavaProcessor(
        pictures,
        tokenizer,
        patch_size=14,
        vision_feature_select_strategy="full",
        chat_template=TEMPLATE,
        num_additional_image_tokens=1,
    )
    config = LlavaConfig(
        vision_config=CLIPVisionConfig(
            hidden_size=16,
            intermediate_size=16,
            num_hidden_layers=1,
            num_attention_heads=2,
            image_size=28,
            patch_size=14,
            projection_dim=16,
        ),
        text_config=LlamaConfig(
            vocab_size=len(vocabulary),
            hidden_size=32,
            intermediate_size=32,
            num_hidden_layers=1,
            num_attention_heads=2,
            num_key_value_heads=2,
            max_position_embeddings=4096,
            bos_token_id=vocabulary["<s>"],
            eos_token_id=vocabulary["</s>"],
            pad_token_id=vocabulary["<pad>"],
        ),
        image_token_index=vocabulary["<image>"],
        vision_feature_select_strategy="full",
        vision_feature_layer=-1,
    )
    torch.manual_seed(0)
    LlavaForConditionalGeneration(config).save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder
