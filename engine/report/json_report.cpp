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

Json toJson(const CompareReport& report) {
    Json json{{"source", validUtf8(report.source)}, {"rows", Json::array()}, {"notes", Json::array()}};
    for (const MethodResult& method : report.methods) json["rows"].push_back(toJson(method));
    for (const Diagnostic& note : report.notes) json["notes"].push_back(toJson(note));
    return json;
}

} // namespace qscope::engine
