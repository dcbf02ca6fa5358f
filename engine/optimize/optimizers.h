// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/core/run_context.h"

#include <map>
#include <span>
#include <string>
#include <vector>

namespace qscope::engine::optimize {

/// Numbers that a method learns, and the gradient of its loss with respect to them. The name is how an optimizer knows
/// them again at the next step.
struct Parameter {
    std::string name;
    std::span<float> values;
    std::span<const float> gradient; ///< as many
};

/// Moves parameters against their gradients. Its memory of earlier steps is kept per parameter, in double; each new
/// value is calculated in double and rounded once.
class Optimizer {
public:
    virtual ~Optimizer() = default;

    /// One step on these parameters; others keep their memory, so that groups may take steps at rates of their own.
    /// OutOfRange, before anything changes, for a gradient of another size or one that is not finite, naming it. When
    /// cancelled, some parameters have taken the step and some have not.
    [[nodiscard]] Result<void> step(std::span<const Parameter> parameters, double rate, const RunContext& context);

protected:
    /// What is remembered of one parameter.
    struct Memory {
        std::int64_t steps = 0; ///< taken, this one included
        std::vector<double> first;
        std::vector<double> second;
    };
    /// How many of both lists the rule uses.
    explicit Optimizer(int lists)
        : m_lists(lists) {}

private:
    /// Elements [begin, end) of one parameter.
    virtual void move(const Parameter& parameter, Memory& memory, double rate, std::size_t begin,
                      std::size_t end) const = 0;

    int m_lists;
    std::map<std::string, Memory, std::less<>> m_memory;
};

/// velocity = momentum velocity + gradient; value -= rate velocity. Sutskever et al., "On the importance of
/// initialization and momentum in deep learning", 2013, section 2, with the rate outside of the velocity.
class Sgd final : public Optimizer {
public:
    explicit Sgd(double momentum = 0)
        : Optimizer(momentum == 0 ? 0 : 1)
        , m_momentum(momentum) {}

private:
    void move(const Parameter& parameter, Memory& memory, double rate, std::size_t begin,
              std::size_t end) const override;

    double m_momentum;
};

struct AdamOptions {
    double beta1 = 0.9;
    double beta2 = 0.999;
    double epsilon = 1e-8;
    /// AdamW: each step also takes rate * decay * value off the value, apart from the gradient.
    double decay = 0;
};

/// Kingma and Ba, "Adam: a method for stochastic optimization", 2015, algorithm 1; with decay, AdamW of Loshchilov and
/// Hutter, "Decoupled weight decay regularization", 2019, algorithm 2.
class Adam final : public Optimizer {
public:
    explicit Adam(AdamOptions options = {})
        : Optimizer(2)
        , m_options(options) {}

private:
    void move(const Parameter& parameter, Memory& memory, double rate, std::size_t begin,
              std::size_t end) const override;

    AdamOptions m_options;
};

struct LionOptions {
    double beta1 = 0.9;
    double beta2 = 0.95;
    double decay = 0; ///< as in `AdamOptions`
};

/// Every number moves by the rate, against the sign of a mean of gradients. Chen et al., "Symbolic discovery of
/// optimization algorithms", 2023, algorithm 2 (whose betas are 0.9 and 0.99).
class Lion final : public Optimizer {
public:
    explicit Lion(LionOptions options = {})
        : Optimizer(1)
        , m_options(options) {}

private:
    void move(const Parameter& parameter, Memory& memory, double rate, std::size_t begin,
              std::size_t end) const override;

    LionOptions m_options;
};

/// How the learning rate runs over a training.
struct Schedule {
    enum class Shape : std::uint8_t {
        Constant,
        Cosine, ///< half a cosine from `rate` to `last` (Loshchilov and Hutter, "SGDR", 2017, equation 5, no restart)
        Linear, ///< a straight line from `rate` to `last`
    };
    Shape shape = Shape::Constant;
    double rate = 1e-3;
    double last = 0;
    std::int64_t steps = 1;  ///< of the whole training; `last` is reached at this step
    std::int64_t warmUp = 0; ///< first steps, in which the rate climbs to `rate` in equal parts

    /// Of step 0, 1, ...
    [[nodiscard]] double at(std::int64_t step) const;
};

} // namespace qscope::engine::optimize
