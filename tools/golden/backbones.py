"""Features of torchvision's backbones, float64, for packages/models/test/fixtures/backbones.safetensors and,
where ../shared/weights has them, of two real weight files (backbones-real.safetensors).

Only a sample of each level is kept: entries floor((i + 0.5) size / 200) of the [batch, height, width, channels]
array, and its mean and standard deviation.
"""
import pathlib
import sys

import numpy as np
import torch
import torchvision
from torchvision.models import resnet as tv_resnet

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from integer_fill import fill_module, integer_fill
from patch_networks import Pdn
from safetensors_reader import read_safetensors
from safetensors_writer import write_safetensors

torch.set_num_threads(1)
ROOT = pathlib.Path(__file__).resolve().parents[2]
FIXTURES = ROOT / 'packages/models/test/fixtures'
REAL = ROOT.parent / 'shared/weights'
ENTRIES = 200
RESNETS = ['resnet18', 'resnet34', 'resnet50', 'resnet101', 'wide_resnet50_2', 'wide_resnet101_2']
RGB = dict(order=[0, 1, 2], scale=1.0, mean=[0.485, 0.456, 0.406], std=[0.229, 0.224, 0.225])
CAFFE = dict(order=[2, 1, 0], scale=255.0, mean=[103.939, 116.779, 123.68], std=[1, 1, 1])


class BottleneckV1(tv_resnet.Bottleneck):
    """The stride on conv1, as He et al. had it and Keras has it."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.conv1.stride, self.conv2.stride = self.conv2.stride, self.conv1.stride


def resnet50_v1():
    net = tv_resnet.ResNet(BottleneckV1, [3, 4, 6, 3])
    for module in net.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.eps = 1.001e-5
    return net


def squeezenet1_1():
    net = torchvision.models.squeezenet1_1()
    net.features[0].padding = (1, 1)  # 256 px then give 64, 32, 16 positions
    return net


class TeacherTiny(torch.nn.Module):
    """Our own small network: a stride-2 stem and three stages of basic blocks, strides 4, 8, 16."""

    def __init__(self, stem=32, widths=(40, 80, 160), blocks=2):
        super().__init__()
        self.conv1 = torch.nn.Conv2d(3, stem, 3, 2, 1, bias=False)
        self.bn1 = torch.nn.BatchNorm2d(stem)
        inputs = stem
        for index, width in enumerate(widths):
            shortcut = torch.nn.Sequential(tv_resnet.conv1x1(inputs, width, 2), torch.nn.BatchNorm2d(width))
            rest = [tv_resnet.BasicBlock(width, width) for _ in range(blocks - 1)]
            stage = torch.nn.Sequential(tv_resnet.BasicBlock(inputs, width, 2, shortcut), *rest)
            setattr(self, f'layer{index + 1}', stage)
            inputs = width

    def forward(self, x):
        x = torch.relu(self.bn1(self.conv1(x)))
        return self.layer3(self.layer2(self.layer1(x)))


def images(height, width):
    """Two images, uniform noise in 0..1 from the integer formula."""
    return integer_fill('pictures.running_var', (2, height, width, 3)) - np.float32(0.5)


def smooth_images(height, width):
    """Two image-like inputs: smooth color gradients, a disc and a little noise. 8-bit, so both sides agree."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    planes = []
    for image in range(2):
        for channel in range(3):
            wave = 90 + 50 * np.sin(x / (9 + 3 * channel)) + 40 * np.cos(y / (7 + 5 * image))
            disc = (x - width / 3) ** 2 + (y - height / 2) ** 2 < (height / 4) ** 2
            planes.append(wave + disc * (60 - 50 * channel))
    smooth = np.stack(planes).reshape(2, 3, height, width).transpose(0, 2, 3, 1)
    return np.clip(np.round(smooth + 20 * images(height, width)), 0, 255).astype(np.uint8)


def sample(features):
    flat = features.permute(0, 2, 3, 1).reshape(-1).numpy()
    index = np.floor((np.arange(ENTRIES) + 0.5) * flat.size / ENTRIES).astype(np.int64)
    return flat[index], np.array([flat.mean(), flat.std()])


def run(net, levels, transform, images):
    x = torch.from_numpy(images.astype(np.float64))[..., transform['order']] * transform['scale']
    x = (x - torch.tensor(transform['mean']).double()) / torch.tensor(transform['std']).double()
    captured = {}
    modules = dict(net.named_modules())
    handles = [
        modules[level].register_forward_hook(lambda _m, _i, out, level=level: captured.update({level: out}))
        for level in levels
    ]
    with torch.no_grad():
        net.double().eval()(x.permute(0, 3, 1, 2))
    for handle in handles:
        handle.remove()
    return captured


def add(arrays, name, captured):
    for level, features in captured.items():
        entries, moments = sample(features)
        arrays[f'{name}/{level}'] = entries.astype(np.float32)
        arrays[f'{name}/{level}/moments'] = moments
        arrays[f'{name}/{level}/shape'] = np.array(features.permute(0, 2, 3, 1).shape, np.float32)


def load_real(net, path):
    state = {name: torch.from_numpy(array.copy()) for name, array in read_safetensors(path)[0].items()}
    missing, unexpected = net.load_state_dict(state, strict=False)
    assert not unexpected, unexpected
    assert all(key.startswith(('layer4', 'fc', 'classifier')) or 'num_batches' in key for key in missing), missing
    return net


VERSIONS = {'torch': torch.__version__, 'torchvision': torchvision.__version__, 'numpy': np.__version__}
LAYERS = ['layer1', 'layer2', 'layer3']
SIZES = [(128, 128), (256, 256), (320, 192), (100, 100), (61, 96), (33, 47), (34, 35), (15, 16)]
FIRES = ['features.4', 'features.7', 'features.12']


def main():
    with torch.no_grad():
        arrays = {}
        for name in RESNETS:
            # An odd height for the small nets: floor and padding arithmetic is in the values too.
            size = (61, 96) if name in ('resnet18', 'resnet34') else (64, 48)
            levels = LAYERS + (['layer4'] if name == 'resnet18' else [])
            net = fill_module(getattr(torchvision.models, name)())
            add(arrays, name, run(net, levels, RGB, images(*size)))
        add(arrays, 'resnet50_v1', run(fill_module(resnet50_v1()), LAYERS, CAFFE, images(64, 48)))
        add(arrays, 'squeezenet1_1', run(fill_module(squeezenet1_1()), FIRES, RGB, images(61, 96)))
        # More than a patch, and odd sides: what the poolings leave out is in the values.
        for name, widths, last in [('pdn-small', (128, 256), 'conv4'), ('pdn-medium', (256, 512), 'conv6')]:
            net = fill_module(Pdn(name[len('pdn-') :], widths, 384, False))
            add(arrays, name, run(net, [last], RGB, images(47, 52)))
        add(arrays, 'teacher-tiny', run(fill_module(TeacherTiny()), LAYERS, RGB, images(61, 96)))
        for name, net, levels in [
            ('resnet18', torchvision.models.resnet18(), LAYERS),
            ('squeezenet1_1', squeezenet1_1(), FIRES),
        ]:
            for size in SIZES:
                captured = run(net, levels, RGB, images(*size)[:1])
                shapes = [features.permute(0, 2, 3, 1).shape[1:] for features in captured.values()]
                arrays[f'shapes/{name}/{size[0]}x{size[1]}'] = np.array(shapes, np.float32)
        write_safetensors(FIXTURES / 'backbones.safetensors', arrays, VERSIONS)
        if not REAL.is_dir():
            return
        smooth = smooth_images(128, 128)
        arrays = {}
        real = smooth.astype(np.float32) / np.float32(255)
        for name, net, file, levels, transform in [
            ('resnet50_v1', resnet50_v1(), 'resnet50_keras.safetensors', LAYERS, CAFFE),
            ('squeezenet1_1', squeezenet1_1(), 'squeezenet1_1.safetensors', FIRES, RGB),
        ]:
            add(arrays, name, run(load_real(net, REAL / file), levels, transform, real))
        arrays['images'] = smooth
        write_safetensors(FIXTURES / 'backbones-real.safetensors', arrays, VERSIONS)


if __name__ == '__main__':
    main()
