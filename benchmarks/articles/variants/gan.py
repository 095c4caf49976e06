"""Forms of the GAN that the tables compare: the article's modifications switched off, and its literal joint form."""

from __future__ import annotations

import sys
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from classwright_tools.augmentation.gan import Discriminator, Generator, layers
from classwright_tools.augmentation.gan_fitting import FittedGan
from classwright_tools.augmentation.gan_form import GanForm, Networks
from classwright_tools.augmentation.gan_losses import Losses, Pairs
from classwright_tools.augmentation.helper_classifier import HelperClassifier
from classwright_tools.augmentation.space import WhitenedSpace, unit_length
from classwright_tools.learning.torch_state import seeded

NEVER = sys.maxsize  # as many rows as nobody has: no early stop
JOINT_TEMPERATURE = 0.5  # of the relaxed one-hot labels that the joint form draws
LABEL_SCALE = 2.0  # one-hot entries beside whitened codes: their variance would else be a fraction of a code's
BALANCE_WEIGHT = 5.0
SOFT_SHARE = 0.97  # of a real label vector before it is relaxed: else hard labels give the real rows away
SHRINKAGE = 30.0  # rows at which a label's own mean and what is known without it count alike


@dataclass(frozen=True)
class VariantForm(GanForm):
    """The four modifications of the article, and what was added to them, each to be switched off.

    `consistency`: the generator must agree with a classifier that was trained on the real rows alone.
    `pretraining`: whoever fits starts from a training on a large other corpus.
    `fresh_noise`: each real row gets new noise each time that it is seen.
    `smoothing`: real rows have the target 0.9 instead of 1; generated ones keep 0.
    `gaussian_start`: the generator starts as the Gaussian of each label, instead of a plain network, which collapses
    onto few points.
    `joint`: the article's literal form, in which the generator draws the label vector too.
    `label_balance`: with `joint`, the drawn labels must be as frequent as each other.
    `filler`: dropped directions are filled with noise when a code becomes an embedding.
    `moved_means`: before fine-tuning, a label's mean moves onto the mean of its scarce rows instead of staying where
    pre-training put it.
    """

    consistency: bool = True
    pretraining: bool = True
    fresh_noise: bool = True
    smoothing: bool = True
    gaussian_start: bool = True
    joint: bool = False
    label_balance: bool = True
    filler: bool = True
    moved_means: bool = False

    def networks(self, width: int, labels: int, seed: int) -> Networks:
        """Return untrained networks of this form."""
        with seeded(seed):
            if self.joint:
                return Networks(JointGenerator(width, labels, self.gaussian_start), JointDiscriminator(width, labels))
            make = Generator if self.gaussian_start else PlainGenerator
            return Networks(make(width, labels), Discriminator(width, labels))

    def losses(self, helper: HelperClassifier, consistency: float) -> Losses:
        """Return the losses of this form."""
        return VariantLosses(helper, consistency if self.consistency else 0.0, self)

    def known_means(
        self, learned: npt.NDArray[np.float32], own: npt.NDArray[np.float32], counts: npt.NDArray[np.float32]
    ) -> npt.NDArray[np.float32]:
        """Return where the labels that the corpus knows start."""
        if not self.moved_means:
            return learned
        trust = (counts / (counts + SHRINKAGE))[:, None]
        moved: npt.NDArray[np.float32] = trust * own + (1 - trust) * learned
        return moved


PLAIN = VariantForm(
    consistency=False,
    pretraining=False,
    fresh_noise=False,
    smoothing=False,
    gaussian_start=False,
    stopping_rows=NEVER,
)
"""The GAN before the article's modifications: a plain conditional network."""


def drawn(gan: FittedGan, labels: npt.NDArray[np.float32], seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return an embedding (n, d) for each label vector (n, K), and the vectors: those drawn, in a joint form."""
    form = gan.form
    if not isinstance(form, VariantForm) or (form.filler and not form.joint):
        return gan.draw(labels, seed), labels
    generator = gan.networks.generator
    with seeded(seed), torch.no_grad():
        codes, own = generator(torch.randn(len(labels), generator.width), torch.from_numpy(labels))
    if form.joint:
        own = nn.functional.one_hot(own.argmax(dim=1), labels.shape[1]).float()
    if form.filler:
        made = gan.space.decode(codes.numpy(), np.random.default_rng(seed), gan.shift)
    else:
        made = _unfilled(gan.space, codes.numpy(), gan.shift)
    return made, own.numpy()


def _unfilled(space: WhitenedSpace, codes: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """Return unit-length embeddings (n, d) of codes (n, r) with nothing in the directions that a code leaves out."""
    kept = space.axes[: space.components]
    placed = space.mean + codes * space.deviations[: space.components] @ kept
    return unit_length(placed.astype(np.float64) + shift)  # as precise as with noise, which is in double precision


class PlainGenerator(Generator):
    """The plain network f(z, y)."""

    def start(self) -> None:
        """Leave f as it was initialised."""

    def forward(self, noise: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Return the codes (n, r) and `labels`."""
        return self.body(torch.cat([noise, labels], dim=1)), labels


class JointGenerator(Generator):
    """Draws the label vector too, as the article has it: (z + f(z), gumbel_softmax(g(z)))."""

    def __init__(self, width: int, labels: int, gaussian_start: bool) -> None:
        self.gaussian_start = gaussian_start
        super().__init__(width, labels)
        self.label_body = layers(width, labels)

    def inputs(self) -> int:
        """Return how many numbers the network reads of a row: no label."""
        return self.width

    def start(self) -> None:
        """Make f zero with a Gaussian start."""
        if self.gaussian_start:
            super().start()

    def forward(self, noise: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:  # noqa: ARG002  # it draws its own
        """Return the codes (n, r) and the relaxed label vectors (n, K) that were drawn."""
        own = nn.functional.gumbel_softmax(self.label_body(noise), tau=JOINT_TEMPERATURE)
        return self.body(noise) + (noise if self.gaussian_start else 0.0), own


class JointDiscriminator(Discriminator):
    """Reads the label vector beside the code, as in the article."""

    def inputs(self) -> int:
        """Return how many numbers the trunk reads of a pair."""
        return self.width + self.labels

    def forward(self, codes: Tensor, labels: Tensor) -> Tensor:
        """Return a logit (n,) for each pair."""
        joined: Tensor = self.score(self.trunk(torch.cat([codes, LABEL_SCALE * labels], dim=1)))
        return joined.squeeze(1)


class VariantLosses(Losses):
    """The losses of a form."""

    def __init__(self, helper: HelperClassifier, consistency: float, form: VariantForm) -> None:
        super().__init__(helper, consistency)
        self._form = form
        self.real_target = Losses.real_target if form.smoothing else 1.0

    def seen(self, reals: Pairs) -> Pairs:
        """Return real rows as the discriminator sees them."""
        x, y = super().seen(reals) if self._form.fresh_noise else reals
        return x, _relaxed(y) if self._form.joint else y

    def of_generator(self, judge: Discriminator, codes: Tensor, labels: Tensor) -> Tensor:
        """The product's, and for the joint form + 5 KL(mean l || uniform)."""
        loss = super().of_generator(judge, codes, labels)
        if self._form.joint and self._form.label_balance:
            shares = labels.mean(dim=0).clamp(min=1e-6)
            loss = loss + BALANCE_WEIGHT * (shares * (shares * len(shares)).log()).sum()
        return loss


def _relaxed(labels: Tensor) -> Tensor:
    """Return one-hot vectors as soft as those that the joint generator draws."""
    share = SOFT_SHARE * labels + (1 - SOFT_SHARE) / labels.shape[1]
    return nn.functional.gumbel_softmax(share.log(), tau=JOINT_TEMPERATURE)
