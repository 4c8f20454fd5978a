"""Ten steps of torch.optim.Adam and torch.optim.SGD on a small network: packages/training/test/fixtures/{adam,sgd}.safetensors."""
import sys
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).parent))
from integer_fill import fill_module, integer_fill
from safetensors_writer import write_safetensors

torch.set_num_threads(1)
FIXTURES = Path(__file__).parents[2] / 'packages/training/test/fixtures'

BATCH, INPUTS, HIDDEN, OUTPUTS, STEPS = 8, 6, 10, 4, 10
ADAM = {
    'default': {'lr': 0.005, 'betas': (0.5, 0.999), 'eps': 1e-8},
    # A large epsilon shows on which side of the root and of the bias correction it stands.
    'epsilon': {'lr': 0.05, 'betas': (0.9, 0.99), 'eps': 1e-2},
    # A large decay shows that it goes into the moments, unlike AdamW's.
    'decay': {'lr': 0.01, 'betas': (0.9, 0.999), 'eps': 1e-8, 'weight_decay': 0.1},
}
SGD = {
    'plain': {'lr': 0.1},
    'momentum': {'lr': 0.1, 'momentum': 0.9},
    'decay': {'lr': 0.1, 'momentum': 0.9, 'weight_decay': 0.05},
}
# What each optimizer keeps of a parameter, under torch's names.
KEPT = {torch.optim.Adam: ('exp_avg', 'exp_avg_sq'), torch.optim.SGD: ('momentum_buffer',)}


def train(make, cases):
    arrays = {}
    for case, options in cases.items():
        network = fill_module(
            torch.nn.Sequential(
                torch.nn.Linear(INPUTS, HIDDEN), torch.nn.Tanh(), torch.nn.Linear(HIDDEN, OUTPUTS)
            )
        )
        optimizer = make(network.parameters(), **options)
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
            for key in KEPT[make]:
                kept = optimizer.state[parameter].get(key)
                if kept is not None:
                    arrays[f'{case}.{name}.{key}'] = kept.numpy()
    return arrays


metadata = {'torch': torch.__version__}
write_safetensors(FIXTURES / 'adam.safetensors', train(torch.optim.Adam, ADAM), metadata)
write_safetensors(FIXTURES / 'sgd.safetensors', train(torch.optim.SGD, SGD), metadata)
