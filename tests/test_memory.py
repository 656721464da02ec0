"""Nothing grows with the epochs but 8 bytes of history each, and data is never copied whole.

Measured by `bench/memory.py` in a process of its own, where nothing else allocates.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import needs_compiled

SCRIPT = Path(__file__).parent.parent / "bench/memory.py"
N_SAMPLES, EPOCHS = 6_000, 1_000_000
# Pages that the allocator keeps, counters that the kernel rounds; a hundredth of what a copy of the data would be.
SLACK = 1 << 20
DATA = N_SAMPLES * 784 * 4

pytestmark = [
    needs_compiled,
    pytest.mark.skipif(
        not Path("/proc/self/clear_refs").exists(), reason="needs Linux's resettable peak of the resident size"
    ),
]


@pytest.fixture(scope="module")
def measured():
    command = [sys.executable, str(SCRIPT), "--json", "--samples", str(N_SAMPLES), "--epochs", str(EPOCHS)]
    environment = {name: value for name, value in os.environ.items() if name != "BACKPROP_ENGINE"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if "cannot be reset here" in done.stderr:
        pytest.skip(done.stderr.strip())
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_copy_of_the_data_would_be_seen(measured):
    copies = {name: values for name, values in measured.items() if "to compare with" in name}
    assert len(copies) == 2
    for values in copies.values():
        assert values["grew"] > 0.9 * values["result"] >= 0.9 * DATA


def test_data_is_never_copied_whole(measured):
    calls = {name: values for name, values in measured.items() if "data" in name and "to compare" not in name}
    assert len(calls) == 2 * 2 * 6 + 1
    for name, values in calls.items():
        assert values["grew"] <= values["result"] + SLACK, name


def test_epochs_take_eight_bytes_each(measured):
    recorded = measured[f"{EPOCHS:,} epochs, losses recorded"]
    assert 0.9 * 8 * EPOCHS <= recorded["grew"] <= 8 * EPOCHS + SLACK
    assert measured[f"{EPOCHS:,} epochs, losses not recorded"]["grew"] <= SLACK


def test_the_estimator_predicts_without_a_copy(measured):
    values = measured["MLPClassifier.predict_proba"]
    assert values["grew"] <= values["result"] + SLACK
