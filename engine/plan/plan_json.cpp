// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/plan/plan.h"

#include <algorithm>

namespace qscope::engine {

namespace {

constexpr int kPlanVersion = 1;

/// The members of an object by name, each taken once; what nobody took is unknown.
class Fields {
public:
    Fields(const Json& json, std::string_view of)
        : m_json(json)
        , m_of(of) {}

    [[nodiscard]] Result<const Json*> take(const char* key) {
        const auto found = m_json.find(key);
        if (found == m_json.end()) return fail(ErrorCode::Malformed, "{}: '{}' is missing", m_of, key);
        m_taken.emplace_back(key);
        return &*found;
    }
    [[nodiscard]] bool has(const char* key) const { return m_json.contains(key); }
    [[nodiscard]] Result<std::string> text(const char* key) {
        QSCOPE_TRY(const Json* value, take(key));
        if (!value->is_string()) return fail(ErrorCode::Malformed, "{}: '{}' must be text", m_of, key);
        return value->get<std::string>();
    }
    [[nodiscard]] Result<std::uint64_t> count(const char* key) {
        QSCOPE_TRY(const Json* value, take(key));
        // Numbers put in by a program are signed, those from a file unsigned where they can be.
        if (!value->is_number_integer() || (!value->is_number_unsigned() && value->get<std::int64_t>() < 0))
            return fail(ErrorCode::Malformed, "{}: '{}' must be a whole number from 0", m_of, key);
        return value->get<std::uint64_t>();
    }
    [[nodiscard]] Result<const Json*> list(const char* key) {
        QSCOPE_TRY(const Json* value, take(key));
        if (!value->is_array()) return fail(ErrorCode::Malformed, "{}: '{}' must be a list", m_of, key);
        return value;
    }
    [[nodiscard]] Result<void> nothingElse() const {
        for (const auto& [key, value] : m_json.items())
            if (std::find(m_taken.begin(), m_taken.end(), key) == m_taken.end())
                return fail(ErrorCode::Malformed, "{}: '{}' is unknown", m_of, key);
        return {};
    }

private:
    const Json& m_json;
    std::string_view m_of;
    std::vector<std::string> m_taken;
};

Result<MethodSpec> methodFromJson(const Json& json) {
    if (!json.is_object()) return fail(ErrorCode::Malformed, "plan: every method must be an object");
    Fields fields(json, "plan: method");
    MethodSpec spec;
    QSCOPE_TRY(spec.id, fields.text("id"));
    QSCOPE_TRY(const Json* parameters, fields.take("parameters"));
    if (!parameters->is_object()) return fail(ErrorCode::Malformed, "plan: method: 'parameters' must be an object");
    for (const auto& [key, value] : parameters->items()) {
        if (!value.is_string() && !value.is_number() && !value.is_boolean())
            return fail(ErrorCode::Malformed, "plan: method: parameter '{}' must be text, a number or a flag", key);
        spec.parameters[key] = value.is_string() ? value.get<std::string>() : value.dump();
    }
    QSCOPE_CHECK(fields.nothingElse());
    return spec;
}

Json toJson(const MethodSpec& spec) {
    Json parameters = Json::object();
    for (const auto& [key, value] : spec.parameters) parameters[key] = value;
    return {{"id", spec.id}, {"parameters", std::move(parameters)}};
}

Result<TensorRule> ruleFromJson(const Json& json) {
    if (!json.is_object()) return fail(ErrorCode::Malformed, "plan: every rule must be an object");
    Fields fields(json, "plan: rule");
    TensorRule rule;
    QSCOPE_TRY(rule.tensors, fields.text("tensors"));
    QSCOPE_TRY(const Json* method, fields.take("method"));
    QSCOPE_TRY(rule.method, methodFromJson(*method));
    QSCOPE_CHECK(fields.nothingElse());
    return rule;
}

Json toJson(const Sweep& sweep) {
    Json json{{"methods", Json::array()}, {"axes", Json::array()}};
    for (const MethodSpec& spec : sweep.methods) json["methods"].push_back(toJson(spec));
    for (const SweepAxis& axis : sweep.axes)
        json["axes"].push_back({{"parameter", axis.parameter}, {"values", axis.values}});
    return json;
}

Result<SweepAxis> axisFromJson(const Json& json) {
    if (!json.is_object()) return fail(ErrorCode::Malformed, "plan: every axis of a sweep must be an object");
    Fields fields(json, "plan: axis");
    SweepAxis axis;
    QSCOPE_TRY(axis.parameter, fields.text("parameter"));
    QSCOPE_TRY(const Json* values, fields.list("values"));
    for (const Json& value : *values) {
        if (!value.is_string() && !value.is_number() && !value.is_boolean())
            return fail(ErrorCode::Malformed, "plan: axis '{}': every value must be text, a number or a flag",
                        axis.parameter);
        axis.values.push_back(value.is_string() ? value.get<std::string>() : value.dump());
    }
    QSCOPE_CHECK(fields.nothingElse());
    return axis;
}

Result<Sweep> sweepFromJson(const Json& json) {
    if (!json.is_object()) return fail(ErrorCode::Malformed, "plan: every sweep must be an object");
    Fields fields(json, "plan: sweep");
    Sweep sweep;
    QSCOPE_TRY(const Json* methods, fields.list("methods"));
    for (const Json& method : *methods) {
        QSCOPE_TRY(MethodSpec spec, methodFromJson(method));
        sweep.methods.push_back(std::move(spec));
    }
    QSCOPE_TRY(const Json* axes, fields.list("axes"));
    for (const Json& entry : *axes) {
        QSCOPE_TRY(SweepAxis axis, axisFromJson(entry));
        sweep.axes.push_back(std::move(axis));
    }
    QSCOPE_CHECK(fields.nothingElse());
    return sweep;
}

Result<CalibrationSettings> calibrationFromJson(const Json& json) {
    if (!json.is_object()) return fail(ErrorCode::Malformed, "plan: 'calibration' must be an object");
    Fields fields(json, "plan: calibration");
    CalibrationSettings settings;
    QSCOPE_TRY(settings.text, fields.text("text"));
    QSCOPE_TRY(const std::uint64_t sequences, fields.count("sequences"));
    QSCOPE_TRY(const std::uint64_t length, fields.count("length"));
    settings.sequences = static_cast<std::int64_t>(std::min<std::uint64_t>(sequences, INT32_MAX));
    settings.length = static_cast<std::int64_t>(std::min<std::uint64_t>(length, INT32_MAX));
    QSCOPE_CHECK(fields.nothingElse());
    return settings;
}

Result<EvaluationSettings> evaluationFromJson(const Json& json) {
    if (!json.is_object()) return fail(ErrorCode::Malformed, "plan: 'evaluation' must be an object");
    Fields fields(json, "plan: evaluation");
    EvaluationSettings settings;
    QSCOPE_TRY(settings.text, fields.text("text"));
    QSCOPE_TRY(const std::uint64_t window, fields.count("context"));
    QSCOPE_TRY(const std::uint64_t tokens, fields.count("tokens"));
    settings.context = static_cast<std::int64_t>(std::min<std::uint64_t>(window, INT32_MAX));
    settings.tokens = static_cast<std::int64_t>(std::min<std::uint64_t>(tokens, INT64_MAX));
    QSCOPE_TRY(const std::string scoring, fields.text("scoring"));
    QSCOPE_TRY(settings.scoring, scoringFromName(scoring));
    QSCOPE_CHECK(fields.nothingElse());
    return settings;
}

} // namespace

Json toJson(const Plan& plan) {
    Json methods = Json::array();
    for (const MethodSpec& spec : plan.methods) methods.push_back(toJson(spec));
    Json json = {{"quantoscope_plan", kPlanVersion},
                 {"source", plan.source},
                 {"selectors", plan.selectors},
                 {"methods", std::move(methods)},
                 {"seed", plan.seed}};
    if (!plan.importance.empty()) json["importance"] = plan.importance;
    if (!plan.calibration.text.empty())
        json["calibration"] = {{"text", plan.calibration.text},
                               {"sequences", plan.calibration.sequences},
                               {"length", plan.calibration.length}};
    if (!plan.evaluation.text.empty())
        json["evaluation"] = {{"text", plan.evaluation.text},
                              {"context", plan.evaluation.context},
                              {"tokens", plan.evaluation.tokens},
                              {"scoring", nameOf(plan.evaluation.scoring)}};
    for (const TensorRule& rule : plan.rules)
        json["rules"].push_back({{"tensors", rule.tensors}, {"method", toJson(rule.method)}});
    for (const Sweep& sweep : plan.sweeps) json["sweeps"].push_back(toJson(sweep));
    return json;
}

Result<TensorRule> parseTensorRule(std::string_view text) {
    const std::size_t equals = text.find('=');
    if (equals == text.npos || equals == 0)
        return fail(ErrorCode::OutOfRange, "'{}' is no rule for tensors; write GLOB=METHOD, as in '*.attn_v.*=q6_k'",
                    text);
    TensorRule rule{std::string(text.substr(0, equals)), {}};
    QSCOPE_TRY(rule.method, parseMethodSpec(text.substr(equals + 1)));
    return rule;
}

Result<Plan> planFromJson(const Json& json) {
    if (!json.is_object()) return fail(ErrorCode::Malformed, "plan: expected an object");
    Fields fields(json, "plan");
    QSCOPE_TRY(const std::uint64_t version, fields.count("quantoscope_plan"));
    if (version != kPlanVersion)
        return fail(ErrorCode::Unsupported, "plan: version {}, this program reads version {}", version, kPlanVersion);
    Plan plan;
    QSCOPE_TRY(plan.source, fields.text("source"));
    QSCOPE_TRY(const Json* selectors, fields.list("selectors"));
    for (const Json& selector : *selectors) {
        if (!selector.is_string()) return fail(ErrorCode::Malformed, "plan: every selector must be text");
        plan.selectors.push_back(selector.get<std::string>());
    }
    QSCOPE_TRY(const Json* methods, fields.list("methods"));
    for (const Json& method : *methods) {
        QSCOPE_TRY(MethodSpec spec, methodFromJson(method));
        plan.methods.push_back(std::move(spec));
    }
    QSCOPE_TRY(plan.seed, fields.count("seed"));
    if (fields.has("importance")) {
        QSCOPE_TRY(plan.importance, fields.text("importance"));
    }
    if (fields.has("calibration")) {
        QSCOPE_TRY(const Json* calibration, fields.take("calibration"));
        QSCOPE_TRY(plan.calibration, calibrationFromJson(*calibration));
    }
    if (fields.has("evaluation")) {
        QSCOPE_TRY(const Json* evaluation, fields.take("evaluation"));
        QSCOPE_TRY(plan.evaluation, evaluationFromJson(*evaluation));
    }
    if (fields.has("rules")) {
        QSCOPE_TRY(const Json* rules, fields.list("rules"));
        for (const Json& entry : *rules) {
            QSCOPE_TRY(TensorRule rule, ruleFromJson(entry));
            plan.rules.push_back(std::move(rule));
        }
    }
    if (fields.has("sweeps")) {
        QSCOPE_TRY(const Json* sweeps, fields.list("sweeps"));
        for (const Json& entry : *sweeps) {
            QSCOPE_TRY(Sweep sweep, sweepFromJson(entry));
            plan.sweeps.push_back(std::move(sweep));
        }
    }
    QSCOPE_CHECK(fields.nothingElse());
    return plan;
}

} // namespace qscope::engine
