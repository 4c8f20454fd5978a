"""Ten steps of torch.optim.Adam on a small network: packages/training/test/fixtures/adam.safetensors."""
import sys
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).parent))
from integer_fill import fill_module, integer_fill
from safetensors_writer import write_safetensors

torch.set_num_threads(1)
OUT = Path(__file__).parents[2] / 'packages/training/test/fixtures/adam.safetensors'

BATCH, INPUTS, HIDDEN, OUTPUTS, STEPS = 8, 6, 10, 4, 10
OPTIONS = {
    'default': {'lr': 0.005, 'betas': (0.5, 0.999), 'eps': 1e-8},
    # A large epsilon shows on which side of the root and of the bias correction it stands.
    'epsilon': {'lr': 0.05, 'betas': (0.9, 0.99), 'eps': 1e-2},
}

arrays = {}
for case, options in OPTIONS.items():
    network = fill_module(
        torch.nn.Sequential(
            torch.nn.Linear(INPUTS, HIDDEN), torch.nn.Tanh(), torch.nn.Linear(HIDDEN, OUTPUTS)
        )
    )
    optimizer = torch.optim.Adam(network.parameters(), **options)
    losses = []
    for step in range(STEPS):
        inputs = torch.from_numpy(integer_fill(f'inputs.{step}', (BATCH, INPUTS)))
        targets = torch.from_numpy(integer_fill(f'targets.{step}', (BATCH, OUTPUTS)))
        loss = ((network(inputs) - targets) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    arrays[f'{case}.losses'] = torch.tensor(losses, dtype=torch.float32).numpy()
    for name, parameter in network.named_parameters():
        arrays[f'{case}.{name}'] = parameter.detach().numpy()
        arrays[f'{case}.{name}.exp_avg'] = optimizer.state[parameter]['exp_avg'].numpy()
        arrays[f'{case}.{name}.exp_avg_sq'] = optimizer.state[parameter]['exp_avg_sq'].numpy()

write_safetensors(OUT, arrays, {'torch': torch.__version__})
