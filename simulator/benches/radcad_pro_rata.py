"""The pro-rata model of speed.rs in radCAD, to be timed beside it.

Same work: 300 operators, a Pareto draw each an epoch, a budget of 342 ppm of the
reserve divided by work, earnings summed. Prints operator-epochs per second.

    python3 radcad_pro_rata.py [RUNS] [PROCESSES] [copy|share]

`copy` is radCAD's default, which copies the state for every block; `share` is its
fastest setting.
"""

import sys
import time

import numpy as np
from radcad import Backend, Engine, Experiment, Model, Simulation

OPERATORS = 300
EPOCHS = 365
SHAPE = 1.25
SCALE = 1e6
RATE = 342e-6
RESERVE = 100_000_000e9


def pay(params, substep, history, state):
    """Draws everybody's work and divides the epoch's budget by it."""
    work = SCALE * (1.0 + state["random"].pareto(SHAPE, OPERATORS))
    budget = state["reserve"] * RATE
    return {"rewards": budget * work / work.sum(), "budget": budget}


def add_rewards(params, substep, history, state, signal):
    """What everybody has earned so far."""
    return "earned", state["earned"] + signal["rewards"]


def lower_reserve(params, substep, history, state, signal):
    """What is left to emit."""
    return "reserve", state["reserve"] - signal["budget"]


def main():
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    processes = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    copies = len(sys.argv) <= 3 or sys.argv[3] == "copy"
    model = Model(
        initial_state={
            "random": np.random.default_rng(1),
            "earned": np.zeros(OPERATORS),
            "reserve": RESERVE,
        },
        state_update_blocks=[
            {
                "policies": {"pay": pay},
                "variables": {"earned": add_rewards, "reserve": lower_reserve},
            }
        ],
        params={},
    )
    experiment = Experiment(Simulation(model=model, timesteps=EPOCHS, runs=runs))
    experiment.engine = Engine(
        backend=Backend.MULTIPROCESSING if processes > 1 else Backend.SINGLE_PROCESS,
        processes=processes,
        deepcopy=copies,
        drop_substeps=True,
    )
    start = time.perf_counter()
    result = experiment.run()
    seconds = time.perf_counter() - start
    assert len(result) == runs * (EPOCHS + 1), len(result)
    print(runs * EPOCHS * OPERATORS / seconds)


if __name__ == "__main__":
    main()
