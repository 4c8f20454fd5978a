"""PatchCore as anomalib runs it with its defaults, in PyTorch, eager, float32: a peer for the time from a file to its verdict.

/usr/bin/python3 bench/peers/patchcore_in_torch.py wide_resnet50_2|resnet18 THREADS: then a line of JSON for each line of standard input:
  {"file": "image.jpg"}  decodes, resizes and scores; {"score": ..., "seconds": [...], "cpuSeconds": ...}

Read with Pillow, resized as a float tensor with anti-aliasing to 256 px, layers 2 and 3, 3 x 3 means, nearest row of a bank of 10 % of the
patches of 100 images, score weighted by the 9 nearest rows of the winner (PatchCore, Eq. 6 and 7), map blurred with sigma 4.
Weights and bank are random: the time does not depend on their values, and no weights of these networks lie at hand.
"""
import json
import sys
import time

import torch
import torch.nn.functional as F
import torchvision
from PIL import Image
from torchvision.transforms import functional as transforms

SIDE, IMAGES, KEPT, NEIGHBORS, SIGMA = 256, 100, 0.1, 9, 4
MEAN, DEVIATION = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]


class PatchCore(torch.nn.Module):
    def __init__(self, backbone):
        super().__init__()
        self.network = getattr(torchvision.models, backbone)().eval()
        with torch.no_grad():
            _, rows, columns, channels = self.embedding(torch.zeros(1, 3, SIDE, SIDE)).shape
        self.bank = torch.randn(int(rows * columns * IMAGES * KEPT), channels)

    def embedding(self, images):
        network = self.network
        x = network.maxpool(network.relu(network.bn1(network.conv1(images))))
        second = network.layer2(network.layer1(x))
        third = network.layer3(second)
        second, third = (F.avg_pool2d(level, 3, 1, 1) for level in (second, third))
        third = F.interpolate(third, second.shape[-2:], mode='bilinear')
        return torch.cat([second, third], 1).permute(0, 2, 3, 1)

    def distances(self, patches):
        squares = patches.pow(2).sum(1, keepdim=True) - 2 * patches @ self.bank.T + self.bank.pow(2).sum(1)
        return squares.clamp_min(0).sqrt()

    def forward(self, images):
        embedding = self.embedding(images)
        patches = embedding.flatten(0, 2)
        nearest, rows = self.distances(patches).topk(1, largest=False)
        nearest = nearest[:, 0]
        winner = nearest.argmax()
        _, support = self.distances(self.bank[rows[winner]]).topk(NEIGHBORS, largest=False)
        apart = torch.cdist(patches[winner][None], self.bank[support[0]])
        score = (1 - F.softmax(apart, 1)[0, 0]) * nearest[winner]
        map_ = F.interpolate(nearest.reshape(1, 1, *embedding.shape[1:3]), (SIDE, SIDE), mode='bilinear')
        return score, transforms.gaussian_blur(map_, 2 * int(4 * SIGMA + 0.5) + 1, SIGMA)


def main(backbone, threads):
    torch.set_num_threads(int(threads))
    torch.manual_seed(0)
    model = PatchCore(backbone)
    facts = {'torch': torch.__version__, 'threads': torch.get_num_threads(), 'bank': list(model.bank.shape)}
    print(json.dumps(facts), flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        cpu, started = time.process_time(), time.perf_counter()
        with torch.inference_mode():
            image = transforms.to_tensor(Image.open(asked['file']).convert('RGB'))
            image = transforms.normalize(transforms.resize(image, [SIDE, SIDE], antialias=True), MEAN, DEVIATION)
            score, _ = model(image[None])
        seconds = [time.perf_counter() - started]
        print(json.dumps({'score': [score.item()], 'seconds': seconds, 'cpuSeconds': time.process_time() - cpu}), flush=True)


if __name__ == '__main__':
    main(*sys.argv[1:])
