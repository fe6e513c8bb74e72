# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The description of the machine."""

from depth_refiner_ros.apps.hardware import instructions, machine_facts, processor, speed_facts
import pytest

EPYC = 'processor\t: 0\nmodel name\t: AMD EPYC\nflags\t\t: fpu fma avx avx2 sse4_2\n'
XEON = 'flags : avx2 avx512f avx512_vnni avx_vnni avx512_bf16 amx_bf16 amx_tile amx_int8\n'
ORIN = 'Features\t: fp asimd aes asimdhp\n'


@pytest.mark.parametrize(
    ('cpuinfo', 'found'),
    [
        (EPYC, ['avx2']),
        (XEON, ['avx2', 'avx512', 'vnni', 'avx512_bf16', 'amx_bf16', 'amx_int8']),
        (ORIN, ['neon']),
        ('flags : sse2\n', []),
        ('', []),
    ],
)
def test_instruction_sets_that_decide_speed(cpuinfo, found):
    assert instructions(cpuinfo) == found


def test_the_processor_is_named_with_cores_and_instructions():
    told = processor()
    assert ' cores usable, ' in told
    assert told == machine_facts()['processor']


def test_speed_facts_name_what_decides_speed():
    facts = speed_facts()
    assert {'torch', 'CPU threads', 'CPU instructions used by torch', 'diffusers'} <= set(facts)
    assert all(facts.values()), 'what is not known is left out'
