"""Choosing device, number format and threads once, and running networks under them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from depth_refiner_ros.core.errors import BackendError
import torch

DEVICES = ('auto', 'cpu', 'cuda')
DTYPES = {'fp32': torch.float32, 'fp16': torch.float16, 'bf16': torch.bfloat16}


@dataclass(frozen=True, kw_only=True)
class Execution:
    """
    Where and in which number format networks run.

    :param device: torch device
    :param precision: fp32, fp16 or bf16; weights and everything outside networks stay fp32
    """

    device: torch.device
    precision: str

    @contextmanager
    def running(self) -> Iterator[None]:
        """Run networks without gradients in the chosen number format."""
        reduced = self.precision != 'fp32'
        with torch.inference_mode(), torch.autocast(
                self.device.type, DTYPES[self.precision], enabled=reduced):
            yield


def choose(device: str = 'auto', precision: str = 'auto', threads: int = 0) -> Execution:
    """
    Settle what ``auto`` means on this machine.

    :param device: auto, cpu or cuda
    :param precision: auto, fp32, fp16 or bf16
    :param threads: CPU threads of torch in this process; 0 leaves torch's choice
    :raises BackendError: where the device or the number format is unknown or not available
    """
    if device not in DEVICES or precision not in ('auto', *DTYPES):
        raise BackendError(f'device = {device!r} must be one of {DEVICES}, precision = '
                           f'{precision!r} auto or one of {tuple(DTYPES)}')
    if device == 'cuda' and not torch.cuda.is_available():
        raise BackendError('device = cuda, but torch sees no CUDA GPU; use device:=cpu or install '
                           'a CUDA build of torch')
    kind = device if device != 'auto' else 'cuda' if torch.cuda.is_available() else 'cpu'
    if threads:
        torch.set_num_threads(threads)
    if precision == 'fp16' and kind == 'cpu':
        raise BackendError('precision = fp16 is for GPUs; use bf16 or fp32 on a CPU')
    if precision == 'auto':
        precision = 'fp16' if kind == 'cuda' else 'bf16' if _fast_bf16() else 'fp32'
    return Execution(device=torch.device(kind), precision=precision)


def _fast_bf16() -> bool:
    """Tell whether the CPU multiplies bfloat16 natively; emulated, it is slower than fp32."""
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())
