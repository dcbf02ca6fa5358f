// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/report/json_report.h"

#include "engine/report/markup.h"

#include <cmath>

namespace qscope::engine {

namespace {

Json number(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

void addMetrics(Json& json, const ErrorMetrics& metrics) {
    json["relative_mse"] = number(metrics.relativeMse);
    json["sqnr_db"] = number(metrics.sqnrDb);
    json["max_error"] = number(metrics.maxError);
    json["cosine"] = number(metrics.cosine);
}

void addQuality(Json& json, const TextQuality* quality) {
    const auto put = [&](const char* key, double value) { json[key] = quality ? number(value) : Json(nullptr); };
    const TextQuality none;
    const TextQuality& known = quality ? *quality : none;
    put("perplexity", known.perplexity);
    put("nll", known.nll);
    put("kl_divergence", known.klDivergence);
    put("top1_agreement", known.top1Agreement);
}

Json toJson(const PropagatedPlace& place) {
    Json json{{"index", place.layer}, {"name", validUtf8(place.name)}};
    addMetrics(json, place.metrics);
    json["kurtosis"] = number(place.kurtosis);
    json["max_to_mean"] = number(place.maxToMean);
    json["reference_kurtosis"] = number(place.referenceKurtosis);
    json["reference_max_to_mean"] = number(place.referenceMaxToMean);
    json["token_error"] = Json::array();
    for (const float error : place.tokenError) json["token_error"].push_back(number(error));
    json["worst_channels"] = Json::array();
    for (std::size_t t = 0; t < place.worst.size(); t += kWorstChannels) {
        Json token = Json::array();
        for (std::size_t k = t; k < t + kWorstChannels; ++k) token.push_back(place.worst[k].channel);
        json["worst_channels"].push_back(std::move(token));
    }
    return json;
}

Json toJson(const PartialEffect& effect) {
    return {{"kl_divergence", number(effect.klDivergence)}, {"relative_mse", number(effect.relativeMse)}};
}

const char* toText(Severity severity) {
    switch (severity) {
    case Severity::Note: return "note";
    case Severity::Warning: return "warning";
    case Severity::Error: return "error";
    }
    return "note";
}

} // namespace

Json toJson(const TensorResult& result) {
    Json json{{"name", validUtf8(result.name)}, {"bits", result.bits}};
    if (result.layer) json["layer"] = *result.layer;
    addMetrics(json, result.metrics);
    return json;
}

Json summaryJson(const MethodResult& result) {
    Json json{{"method", validUtf8(toText(result.spec))},
              {"label", validUtf8(result.label)},
              {"bits_per_weight", result.bitsPerWeight},
              {"bytes", result.bytes}};
    addMetrics(json, result.metrics);
    addQuality(json, result.quality.get());
    json["seconds"] = result.seconds;
    json["device"] = validUtf8(result.device);
    return json;
}

Json toJson(const MethodResult& result) {
    Json json = summaryJson(result);
    json["tensors"] = Json::array();
    for (const TensorResult& tensor : result.tensors) json["tensors"].push_back(toJson(tensor));
    return json;
}

Json toJson(const Diagnostic& note) {
    Json json{{"severity", toText(note.severity)}, {"message", validUtf8(note.message)}};
    if (!note.subject.empty()) json["subject"] = validUtf8(note.subject);
    return json;
}

Json toJson(const EvaluatedText& text) {
    return {{"source", validUtf8(text.source)},
            {"scoring", nameOf(text.scoring)},
            {"context", text.context},
            {"perplexity", number(text.reference.perplexity)},
            {"nll", number(text.reference.nll)},
            {"tokens", text.reference.tokens},
            {"tokens_per_second", number(text.reference.tokensPerSecond)}};
}

Json toJson(const CalibrationFacts& facts) {
    return {{"text", validUtf8(facts.text)},          {"sequences", facts.sequences},
            {"length", facts.length},                 {"distinct_tokens", facts.distinctTokens},
            {"vocabulary", facts.vocabulary},         {"silent_channels", facts.silentChannels}};
}

Json toJson(const MethodPropagation& result) {
    Json json{{"method", validUtf8(toText(result.spec))},
              {"label", validUtf8(result.label)},
              {"layers", Json::array()},
              {"parts", Json::array()}};
    for (const PropagatedPlace& place : result.layers) json["layers"].push_back(toJson(place));
    for (const PropagatedPlace& place : result.parts) json["parts"].push_back(toJson(place));
    const PropagatedLogits& logits = result.logits;
    json["logits"] = {{"relative_mse", number(logits.relativeMse)},
                      {"cosine", number(logits.cosine)},
                      {"kl_divergence", number(logits.klDivergence)},
                      {"top1_agreement", number(logits.top1Agreement)},
                      {"token_kl_divergence", logits.tokenDivergence}};
    if (result.attribution.empty()) return json;
    json["outside"] = toJson(result.outside);
    for (const LayerEffect& effect : result.attribution)
        json["attribution"].push_back({{"index", effect.layer},
                                       {"alone", toJson(effect.alone)},
                                       {"up_to", toJson(effect.upTo)},
                                       {"without", toJson(effect.without)}});
    return json;
}

Json toJson(const CompareReport& report) {
    Json json{{"source", validUtf8(report.source)}, {"rows", Json::array()}, {"notes", Json::array()}};
    if (report.text) json["text"] = toJson(*report.text);
    if (report.calibration) json["calibration"] = toJson(*report.calibration);
    for (const MethodResult& method : report.methods) json["rows"].push_back(toJson(method));
    for (const Diagnostic& note : report.notes) json["notes"].push_back(toJson(note));
    return json;
}

} // namespace qscope::engine
