// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/analysis/metrics.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>
#include <limits>

namespace qscope::engine {

namespace {

using enum Better;

constexpr std::string_view kMoments = "Standard definition; NumPy: numpy.mean, numpy.std (ddof 0)";
constexpr std::string_view kStored = "Size of the stored tensor as the file formats define it";

constexpr std::array kTable{
    MetricInfo{"count", "Count", "", "number of elements", "How many values the tensor holds, special ones included.", "Definition", Neither},
    MetricInfo{"min", "Minimum", "", "min x", "The smallest finite value.", "Definition", Neither},
    MetricInfo{"max", "Maximum", "", "max x", "The largest finite value.", "Definition", Neither},
    MetricInfo{"mean", "Mean", "", "sum x / n", "The average of the finite values.", kMoments, Neither},
    MetricInfo{"std", "Std", "", "sqrt(sum (x - mean)² / n)", "The population standard deviation: the typical distance from the mean.", kMoments, Neither},
    MetricInfo{"absmax", "Abs max", "", "max |x|", "The largest magnitude; it sets the scale of a symmetric grid.", "Definition", Neither},
    MetricInfo{"kurtosis", "Kurtosis", "", "(sum (x - mean)⁴ / n) / std⁴", "How heavy the tails are: 3 for a normal distribution, more with outliers.", "Pearson, Biometrika 4, 1905; not the excess, which is 3 less", Lower},
    MetricInfo{"max_to_mean", "Max to mean", "", "max |x| / (sum |x| / n)", "How far the largest magnitude exceeds the typical one; a coarse grid suffers where it is large.", "Ratio of the largest magnitude to the mean magnitude, used in studies of outlier features", Lower},
    MetricInfo{"zeros", "Zeros", "", "number of x = 0", "How many values are exactly zero.", "Definition", Neither},
    MetricInfo{"nan", "NaN", "", "number of x that are not a number", "Values that are not a number; left out of all other statistics.", "IEEE 754-2019, section 6.2", Lower},
    MetricInfo{"inf", "Infinite", "", "number of infinite x", "Infinite values; left out of all other statistics.", "IEEE 754-2019, section 6.1", Lower},
    MetricInfo{"outliers", "Outliers", "", "number of |x - mean| > 6 std", "Values more than six standard deviations from the mean.", "The six sigma criterion for outlier weights, as in Dettmers et al., SpQR and LLM.int8(), applied to values", Lower},
    MetricInfo{"bits_per_weight", "Bits per weight", "bit", "8 stored bytes / number of weights", "Everything that storing the tensor takes: codes, scales, zero points and padding.", kStored, Lower},
    MetricInfo{"bytes", "Bytes", "B", "stored bytes", "The size of the tensor in the file.", kStored, Lower},
    MetricInfo{"relative_mse", "Relative MSE", "", "sum (w - ŵ)² / sum w²", "The share of the weights' energy that the result lost.", "Normalised mean squared error; Gersho and Gray, Vector Quantization and Signal Compression, 1992", Lower},
    MetricInfo{"sqnr_db", "SQNR", "dB", "-10 log10(relative MSE)", "Signal to quantization noise; 6.02 dB more for each bit of a uniform grid.", "Gersho and Gray, Vector Quantization and Signal Compression, 1992, section 5.3", Higher},
    MetricInfo{"max_error", "Max error", "", "max |w - ŵ|", "The largest change of a single weight.", "Definition", Lower},
    MetricInfo{"cosine", "Cosine", "", "sum w ŵ / sqrt(sum w² sum ŵ²)", "The cosine of the angle between original and result as vectors; 1 when only the length differs.", "Cosine similarity", Higher},
    MetricInfo{"nll", "Loss", "nat", "-sum log p(token | the ones before) / number of scored tokens", "How surprised the model is by a token of the text, on average.", "Negative log-likelihood per token; Jelinek et al., J. Acoust. Soc. Am. 62, 1977", Lower},
    MetricInfo{"perplexity", "Perplexity", "", "exp(loss per token)", "Between how many equally likely tokens the model hesitates, on average; depends on text, tokenizer and windows.", "Jelinek et al., J. Acoust. Soc. Am. 62, 1977", Lower},
    MetricInfo{"kl_divergence", "KL divergence", "nat", "sum over scored tokens of sum p (log p - log p̂) / number of scored tokens", "How far predictions move from those in full precision; 0 when they are the same.", "Kullback and Leibler, Ann. Math. Stat. 22, 1951; p in full precision", Lower},
    MetricInfo{"top1_agreement", "Top-1 agreement", "", "share of scored tokens where argmax p = argmax p̂", "How often the likeliest next token stays the same as in full precision.", "Definition", Higher},
    MetricInfo{"tokens", "Tokens", "", "number of scored tokens", "How many tokens of the text were predicted and scored.", "Definition", Neither},
    MetricInfo{"tokens_per_second", "Tokens per second", "1/s", "tokens through the model / wall time of its runs", "How fast the text went through the model, scored or not.", "Steady clock", Higher},
    MetricInfo{"seconds", "Time", "s", "wall time of the work alone", "How long the work took, without loading and saving.", "Steady clock", Lower},
    MetricInfo{"probability", "Probability", "", "|amplitude|²", "How likely a measurement gives this outcome.", "Nielsen and Chuang, Quantum Computation and Quantum Information, 2010, section 2.2.3", Neither},
    MetricInfo{"expectation", "Expectation", "", "<state| P |state>", "The mean of an observable over many measurements of the state.", "Nielsen and Chuang, Quantum Computation and Quantum Information, 2010, section 2.2.5", Neither},
    MetricInfo{"norm", "Norm", "", "sum |amplitude|²", "The sum of all probabilities; what is missing to 1 is rounding error.", "Nielsen and Chuang, Quantum Computation and Quantum Information, 2010, section 2.1.4", Neither},
    MetricInfo{"entropy", "Entanglement entropy", "bit", "-sum p log2 p over the squared Schmidt coefficients of the cut", "How entangled the two sides of a cut are: 0 for none, one bit for each Bell pair across.", "Nielsen and Chuang, Quantum Computation and Quantum Information, 2010, sections 2.5 and 11.3", Neither},
    MetricInfo{"bloch_length", "Bloch length", "", "sqrt(<X>² + <Y>² + <Z>²)", "Length of a qubit's Bloch vector: 1 when the qubit is pure, less when it is entangled or mixed.", "Nielsen and Chuang, Quantum Computation and Quantum Information, 2010, section 2.4.2", Neither},
};

} // namespace

ErrorMetrics metricsOf(const ErrorSums& sums) {
    ErrorMetrics metrics;
    metrics.maxError = sums.maximum;
    if (sums.difference > 0)
        metrics.relativeMse = sums.reference > 0 ? sums.difference / sums.reference : std::numeric_limits<double>::infinity();
    metrics.sqnrDb = -10 * std::log10(metrics.relativeMse);
    const double lengths = std::sqrt(sums.reference) * std::sqrt(sums.result);
    if (lengths > 0) metrics.cosine = std::clamp(sums.product / lengths, -1.0, 1.0);
    else metrics.cosine = sums.reference == sums.result ? 1 : 0;
    return metrics;
}

std::span<const MetricInfo> metricTable() { return kTable; }

const MetricInfo& metric(std::string_view key) {
    const auto row = std::ranges::find(kTable, key, &MetricInfo::key);
    assert(row != kTable.end());
    return *row;
}

} // namespace qscope::engine
