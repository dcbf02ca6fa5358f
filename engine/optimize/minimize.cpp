// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/optimize/minimize.h"

#include <nlopt.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>

namespace qscope::engine::optimize {

namespace {

struct Free {
    void operator()(nlopt_opt optimizer) const { nlopt_destroy(optimizer); }
};
using Handle = std::unique_ptr<std::remove_pointer_t<nlopt_opt>, Free>;

struct Search {
    const Objective& objective;
    const RunContext& context;
    int limit = 0;
    nlopt_opt optimizer = nullptr;
    Minimum best = {};
    bool exhausted = false;
    std::optional<Error> error = std::nullopt;
};

/// What NLopt calls; an error ends the search at the next chance, and comes out of `minimize`.
double evaluate(unsigned count, const double* x, double* gradient, void* data) {
    auto& search = *static_cast<Search*>(data);
    const auto stop = [&](Error error) {
        if (!search.error) search.error = std::move(error);
        nlopt_force_stop(search.optimizer);
        return HUGE_VAL;
    };
    if (search.context.cancelled()) return stop(cancelled().value());
    if (search.best.evaluations == search.limit) { // L-BFGS looks at NLopt's own limit only between line searches
        search.exhausted = true;
        nlopt_force_stop(search.optimizer);
        return HUGE_VAL;
    }
    ++search.best.evaluations;
    const auto value = search.objective.value({x, count}, {gradient, gradient ? count : 0});
    if (!value) return stop(value.error());
    if (std::isnan(*value)) return stop({ErrorCode::OutOfRange, "the objective is not a number", {}});
    if (search.best.at.empty() || *value < search.best.value) {
        search.best.at.assign(x, x + count);
        search.best.value = *value;
    }
    return *value;
}

nlopt_algorithm algorithmOf(Algorithm algorithm) {
    switch (algorithm) {
    case Algorithm::Cobyla: return NLOPT_LN_COBYLA;
    case Algorithm::Direct: return NLOPT_GN_DIRECT_L;
    case Algorithm::Lbfgs: break;
    }
    return NLOPT_LD_LBFGS;
}

Result<void> checkBounds(const Objective& objective, const MinimizeOptions& options) {
    const std::size_t count = objective.start.size();
    if (count == 0) return fail(ErrorCode::OutOfRange, "there is nothing to vary");
    for (const auto* bounds : {&objective.lower, &objective.upper}) {
        if (bounds->empty() && options.algorithm == Algorithm::Direct)
            return fail(ErrorCode::OutOfRange, "a global search needs bounds");
        if (!bounds->empty() && bounds->size() != count)
            return fail(ErrorCode::OutOfRange, "{} bounds for {} variables", bounds->size(), count);
    }
    for (std::size_t i = 0; i < count; ++i) {
        const double low = objective.lower.empty() ? -HUGE_VAL : objective.lower[i];
        const double high = objective.upper.empty() ? HUGE_VAL : objective.upper[i];
        if (!(low <= objective.start[i] && objective.start[i] <= high) || !std::isfinite(objective.start[i]))
            return fail(ErrorCode::OutOfRange, "variable {} starts at {}, outside of [{}, {}]", i, objective.start[i],
                        low, high);
        if (options.algorithm == Algorithm::Direct && (!std::isfinite(low) || !std::isfinite(high)))
            return fail(ErrorCode::OutOfRange, "a global search needs finite bounds, variable {} has none", i);
    }
    return {};
}

} // namespace

Result<Minimum> minimize(const Objective& objective, const MinimizeOptions& options, const RunContext& context) {
    QSCOPE_CHECK(checkBounds(objective, options));
    if (context.cancelled()) return cancelled();
    const Handle optimizer(nlopt_create(algorithmOf(options.algorithm), static_cast<unsigned>(objective.start.size())));
    if (!optimizer) return fail(ErrorCode::OutOfMemory, "no memory for {} variables", objective.start.size());
    Search search{objective, context, std::max(1, options.evaluations), optimizer.get()};
    const bool ready =
        nlopt_set_min_objective(optimizer.get(), evaluate, &search) > 0 &&
        (objective.lower.empty() || nlopt_set_lower_bounds(optimizer.get(), objective.lower.data()) > 0) &&
        (objective.upper.empty() || nlopt_set_upper_bounds(optimizer.get(), objective.upper.data()) > 0) &&
        nlopt_set_xtol_rel(optimizer.get(), options.relativeTolerance) > 0 &&
        nlopt_set_ftol_rel(optimizer.get(), options.relativeTolerance) > 0 &&
        (options.initialStep <= 0 || nlopt_set_initial_step1(optimizer.get(), options.initialStep) > 0);
    if (!ready) return fail(ErrorCode::OutOfRange, "the search cannot be set up: its options or bounds do not fit");

    std::vector<double> x = objective.start;
    double value = 0;
    const nlopt_result outcome = nlopt_optimize(optimizer.get(), x.data(), &value);
    if (search.error) return tl::unexpected<Error>(std::move(*search.error));
    // Round-off that stops a search is as close as double comes.
    if (outcome < 0 && outcome != NLOPT_ROUNDOFF_LIMITED && !search.exhausted)
        return fail(ErrorCode::OutOfRange, "the search failed after {} evaluations (NLopt {})", search.best.evaluations,
                    static_cast<int>(outcome));
    search.best.converged = !search.exhausted;
    return std::move(search.best);
}

} // namespace qscope::engine::optimize
