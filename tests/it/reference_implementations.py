"""Cases and what independent implementations say of them, as JSON on standard output.

CRPS: properscoring and scoringrules; interval scores: scoringrules (numba: its other backends leave the observation out
of the median's term); long-run variances: scipy's cosine transform, and statsmodels; model confidence set: arch, with the draws that it made.
"""

import json
import warnings

import numpy as np
import properscoring
import scoringrules
from arch.bootstrap import MCS
from scipy import stats
from scipy.fft import dct
from statsmodels.stats.sandwich_covariance import S_hac_simple

rng = np.random.default_rng(7)


def samples():
    """Ascending samples and observations, ordinary and not."""
    for k in (1, 2, 3, 7, 20, 99, 100, 101, 1000):
        for scale in (1e-6, 1.0, 1e4, 1e9):
            yield np.sort(rng.standard_t(3, k)) * scale, rng.standard_normal() * scale
    for k in (2, 20, 99):
        yield np.zeros(k), 0.0
        yield np.zeros(k), 1e6
        yield np.sort(rng.integers(-2, 3, k)).astype(float), 1.0
        yield np.sort(rng.standard_normal(k)), -1e9
        yield np.sort(np.append(rng.standard_normal(k - 1), 1e12)), 0.5
        yield np.linspace(-1.0, 1.0, k), -1.0


def crps():
    for x, y in samples():
        values = [properscoring.crps_ensemble(y, x)]
        for estimator in ("nrg", "qd"):
            values.append(scoringrules.crps_ensemble(y, x, estimator=estimator, backend="numba"))
        levels = (np.arange(len(x)) + 0.5) / len(x)
        values.append(scoringrules.crps_quantile(y, x, levels, backend="numpy"))
        yield {"x": x.tolist(), "y": float(y), "expected": [float(v) for v in values]}


def intervals():
    alphas = np.array([0.5, 0.2, 0.05])
    for x, y in samples():
        if len(x) < 20:
            continue
        levels = (np.arange(len(x)) + 0.5) / len(x)
        at = lambda level: np.interp(level, levels, x)
        lower, upper = at(alphas / 2), at(1 - alphas / 2)
        wis = scoringrules.weighted_interval_score(y, at(0.5), lower, upper, alphas, backend="numba")
        single = [float(scoringrules.interval_score(y, l, u, a)) for l, u, a in zip(lower, upper, alphas)]
        yield {"x": x.tolist(), "y": float(y), "expected": float(np.squeeze(wis)), "single": single}


def series():
    for n in (60, 200, 800):
        noise = rng.standard_normal(n + 40)
        yield np.convolve(noise, np.ones(17) / 17, "valid")[:n] + 0.02
        yield noise[:n] * 1e-6
        yield np.where(np.arange(n) % 2, 1.0, -1.0) + 1e-3 * noise[:n]
        yield np.exp(3 * noise[:n])


def diebold_mariano():
    for d in series():
        for h, lags in ((1, 4), (3, 10), (5, 24)):
            n = len(d)
            if n < 20 * h:
                continue
            cosines = min(int(0.41 * n ** (2 / 3)), max(5, n // (2 * max(lags, 2 * h))), 40)
            # Twice the sums of cosines; their mean square over 2n is the long-run variance.
            sums = dct(d - d.mean(), type=2)[1 : cosines + 1]
            t = float(d.mean() / np.sqrt((sums**2).mean() / (2 * n) / n))
            p = float(2 * stats.t.sf(abs(t), cosines))
            yield {"d": d.tolist(), "h": h, "lags": lags, "t": t, "p": p}


def evidence():
    for d in series():
        for half_life, lags in ((480.0, 34), (50.0, 6)):
            w = 0.5 ** ((len(d) - 1 - np.arange(len(d))) / half_life)
            w /= w.sum()
            mean = float(w @ d)
            psi = (w * (d - mean))[:, None]
            square = float(S_hac_simple(psi, nlags=lags)[0, 0])
            if square < 0:
                square = float((psi**2).sum())
            yield {"d": d.tolist(), "half_life": half_life, "lags": lags, "mean": mean, "se": float(np.sqrt(square))}


def confidence_sets():
    for k, n, block, spread in ((2, 100, 5, 0.1), (5, 300, 20, 0.1), (8, 400, 30, 0.02), (4, 250, 10, 2.0)):
        common = rng.standard_normal((n, 1))
        losses = common + rng.standard_normal((n, k)) + spread * np.arange(k)
        mcs = MCS(losses, size=0.10, reps=200, block_size=block, method="max", bootstrap="circular", seed=3)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            mcs.compute()
        draws = [np.bincount(draw, minlength=n).tolist() for draw in mcs._bootstrap_indices]
        p_values = [float(mcs.pvalues.Pvalue.loc[i]) for i in range(k)]
        yield {"losses": losses.T.tolist(), "draws": draws, "expected": p_values}


print(
    json.dumps(
        {
            "crps": list(crps()),
            "intervals": list(intervals()),
            "diebold_mariano": list(diebold_mariano()),
            "evidence": list(evidence()),
            "confidence_sets": list(confidence_sets()),
        }
    )
)
