"""Whether this machine has what the trainer asks for."""

from omegaconf import DictConfig

from semsynth.errors import ConfigError


def uses_cuda(cfg: DictConfig) -> bool:
    """Whether the trainer computes on CUDA."""
    import torch

    return cfg.trainer.get("accelerator", "auto") in ("auto", "gpu", "cuda") and torch.cuda.is_available()


def check_device(cfg: DictConfig) -> None:
    """Check the accelerator, and that it knows the precision.

    Raises:
        ConfigError: there is none, or one without bfloat16 where that is asked for.
    """
    import torch

    asked, precision = cfg.trainer.get("accelerator", "auto"), str(cfg.trainer.get("precision", "32-true"))
    if asked in ("gpu", "cuda") and not uses_cuda(cfg) and not (asked == "gpu" and torch.backends.mps.is_available()):
        raise ConfigError(f"trainer.accelerator={asked}: PyTorch {torch.__version__} finds no GPU on this machine: "
                          f"take trainer=default, which trains on what there is")
    if asked == "auto" and cfg.get("gpus") is not None and not uses_cuda(cfg):
        raise ConfigError(f"gpus={cfg.gpus}: PyTorch {torch.__version__} finds no GPU on this machine: leave it "
                          f"out, or have as many processes on the CPU with trainer.accelerator=cpu")
    if precision.startswith("bf16") and uses_cuda(cfg) and not torch.cuda.is_bf16_supported(including_emulation=False):
        raise ConfigError(f"trainer.precision={precision}: this GPU ({torch.cuda.get_device_name()}) has no bfloat16: "
                          f"take trainer.precision=16-mixed or 32-true")
