// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quantum/sim/noise_json.h"

#include <algorithm>
#include <cmath>

namespace qscope::engine {

namespace {

constexpr std::size_t kMostEntries = 100'000; ///< rules, qubits, durations: thousands on the largest devices
constexpr int kMostQubit = 1'000'000;

Result<double> number(const Json& json, std::string_view what) {
    if (!json.is_number() || !std::isfinite(json.get<double>())) return fail(ErrorCode::Malformed, "{} is not a number", what);
    return json.get<double>();
}

/// All keys of an object are known ones.
Result<void> onlyKeys(const Json& json, std::initializer_list<std::string_view> keys) {
    if (!json.is_object()) return fail(ErrorCode::Malformed, "expected an object");
    for (const auto& [key, value] : json.items())
        if (std::ranges::find(keys, key) == keys.end()) return fail(ErrorCode::Malformed, "unknown key '{}'", key.substr(0, 80));
    return {};
}

Result<void> listOf(const Json& json, std::string_view what) {
    if (!json.is_array() || json.size() > kMostEntries) return fail(ErrorCode::Malformed, "{} is not a list", what);
    return {};
}

Result<std::vector<std::string>> texts(const Json& json, std::string_view what) {
    QSCOPE_CHECK(listOf(json, what));
    std::vector<std::string> result;
    for (const Json& item : json) {
        if (!item.is_string()) return fail(ErrorCode::Malformed, "{} holds something that is no name", what);
        result.push_back(item.get<std::string>());
    }
    return result;
}

Result<int> qubitOf(const Json& json) {
    if (!json.is_number_integer() || json.get<std::int64_t>() < 0 || json.get<std::int64_t>() > kMostQubit)
        return fail(ErrorCode::Malformed, "'qubits' holds something that is no qubit");
    return json.get<int>();
}

Result<DenseMatrix> matrixOf(const Json& json) {
    QSCOPE_CHECK(listOf(json, "a Kraus matrix"));
    DenseMatrix matrix;
    if (json.size() != 2 && json.size() != 4) return fail(ErrorCode::Malformed, "a Kraus matrix of {} rows; 2 or 4 are possible", json.size());
    for (const Json& row : json) {
        if (!row.is_array() || row.size() != json.size()) return fail(ErrorCode::Malformed, "a Kraus matrix is not square");
        for (const Json& entry : row) {
            const bool pair = entry.is_array() && entry.size() == 2;
            QSCOPE_TRY(const double re, number(pair ? entry[0] : entry, "an entry of a Kraus matrix"));
            double im = 0;
            if (pair) {
                QSCOPE_TRY(im, number(entry[1], "an entry of a Kraus matrix"));
            }
            matrix.emplace_back(re, im);
        }
    }
    return matrix;
}

Result<Channel> channelOf(const Json& json) {
    if (!json.is_object() || !json.contains("kind") || !json["kind"].is_string())
        return fail(ErrorCode::Malformed, "a channel without a 'kind'");
    const auto kind = json["kind"].get<std::string>();
    if (kind == "kraus") {
        QSCOPE_CHECK(onlyKeys(json, {"kind", "matrices"}));
        if (!json.contains("matrices")) return fail(ErrorCode::Malformed, "a channel of Kraus matrices without 'matrices'");
        QSCOPE_CHECK(listOf(json["matrices"], "'matrices'"));
        std::vector<DenseMatrix> kraus;
        for (const Json& item : json["matrices"]) {
            QSCOPE_TRY(kraus.emplace_back(), matrixOf(item));
        }
        return makeKrausChannel(std::move(kraus));
    }
    std::map<std::string, double> numbers;
    const bool pauli = kind == "pauli";
    if (pauli) {
        QSCOPE_CHECK(onlyKeys(json, {"kind", "chances"}));
        if (!json.contains("chances") || !json["chances"].is_object()) return fail(ErrorCode::Malformed, "a Pauli channel without 'chances'");
    }
    for (const auto& [key, value] : pauli ? json["chances"].items() : json.items()) {
        if (!pauli && key == "kind") continue;
        QSCOPE_TRY(numbers[key], number(value, fmt::format("'{}' of a channel", key.substr(0, 80))));
    }
    return pauli ? makePauliChannel(numbers) : makeChannel(kind, numbers);
}

Result<NoiseRule> ruleOf(const Json& json) {
    QSCOPE_CHECK(onlyKeys(json, {"gates", "except", "qubits", "channel"}));
    NoiseRule rule;
    if (!json.contains("gates") || !json.contains("channel")) return fail(ErrorCode::Malformed, "a rule needs 'gates' and 'channel'");
    QSCOPE_TRY(rule.gates, texts(json["gates"], "'gates'"));
    if (json.contains("except")) {
        QSCOPE_TRY(rule.except, texts(json["except"], "'except'"));
    }
    if (json.contains("qubits")) {
        QSCOPE_CHECK(listOf(json["qubits"], "'qubits'"));
        for (const Json& item : json["qubits"]) {
            auto& qubits = rule.qubits.emplace_back();
            if (!item.is_array()) {
                QSCOPE_TRY(qubits.emplace_back(), qubitOf(item));
                continue;
            }
            QSCOPE_CHECK(listOf(item, "'qubits'"));
            for (const Json& qubit : item) {
                QSCOPE_TRY(qubits.emplace_back(), qubitOf(qubit));
            }
        }
    }
    QSCOPE_TRY(rule.channel, channelOf(json["channel"]));
    return rule;
}

/// Entries with numbers under `keys`, for all qubits or for some; `read` makes a T from the object.
template<class T, class Read>
Result<PerQubit<T>> perQubit(const Json& json, std::string_view what, Read read) {
    QSCOPE_CHECK(listOf(json, what));
    PerQubit<T> result;
    for (const Json& item : json) {
        QSCOPE_TRY(const T value, read(item));
        if (!item.contains("qubits")) {
            result.all = value;
            continue;
        }
        QSCOPE_CHECK(listOf(item["qubits"], "'qubits'"));
        for (const Json& qubit : item["qubits"]) {
            QSCOPE_TRY(const int index, qubitOf(qubit));
            result.of[index] = value;
        }
    }
    return result;
}

Result<double> optional(const Json& json, const char* key, double otherwise) {
    if (!json.contains(key)) return otherwise;
    return number(json[key], fmt::format("'{}'", key));
}

Result<Decay> decayOf(const Json& json) {
    QSCOPE_CHECK(onlyKeys(json, {"t1", "t2", "excited", "qubits"}));
    Decay decay;
    QSCOPE_TRY(decay.t1, optional(json, "t1", decay.t1));
    QSCOPE_TRY(decay.t2, optional(json, "t2", std::min(decay.t2, 2 * decay.t1)));
    QSCOPE_TRY(decay.excited, optional(json, "excited", 0));
    return decay;
}

Result<ReadoutError> readoutOf(const Json& json) {
    QSCOPE_CHECK(onlyKeys(json, {"one_given_zero", "zero_given_one", "qubits"}));
    ReadoutError error;
    QSCOPE_TRY(error.oneGivenZero, optional(json, "one_given_zero", 0));
    QSCOPE_TRY(error.zeroGivenOne, optional(json, "zero_given_one", 0));
    return error;
}

Json toJson(const Channel& channel) {
    Json json{{"kind", channel.kind}};
    if (channel.kind == "pauli") {
        json["chances"] = channel.numbers;
    } else if (channel.kind == "kraus") {
        const std::size_t size = channel.qubits == 1 ? 2 : 4;
        for (const DenseMatrix& matrix : channel.kraus) {
            Json rows = Json::array();
            for (std::size_t row = 0; row < size; ++row) {
                Json line = Json::array();
                for (std::size_t column = 0; column < size; ++column) {
                    const auto entry = matrix[row * size + column];
                    line.push_back(Json::array({entry.real(), entry.imag()}));
                }
                rows.push_back(std::move(line));
            }
            json["matrices"].push_back(std::move(rows));
        }
    } else {
        for (const auto& [key, value] : channel.numbers) json[key] = value;
    }
    return json;
}

Json toJson(const Decay& decay) {
    Json json = Json::object();
    if (std::isfinite(decay.t1)) json["t1"] = decay.t1;
    if (std::isfinite(decay.t2)) json["t2"] = decay.t2;
    if (decay.excited != 0) json["excited"] = decay.excited;
    return json;
}

Json toJson(const ReadoutError& error) { return {{"one_given_zero", error.oneGivenZero}, {"zero_given_one", error.zeroGivenOne}}; }

template<class T>
Json toJson(const PerQubit<T>& values) {
    Json list = Json::array({toJson(values.all)});
    for (const auto& [qubit, value] : values.of) {
        list.push_back(toJson(value));
        list.back()["qubits"] = Json::array({qubit});
    }
    return list;
}

} // namespace

Result<NoiseModel> noiseFromJson(const Json& json) {
    QSCOPE_CHECK(onlyKeys(json, {"noise", "rules", "durations", "decay", "readout"}));
    NoiseModel model;
    if (json.contains("noise")) {
        if (!json["noise"].is_string()) return fail(ErrorCode::Malformed, "'noise' is not a name");
        model.name = json["noise"].get<std::string>();
    }
    if (json.contains("rules")) {
        QSCOPE_CHECK(listOf(json["rules"], "'rules'"));
        for (std::size_t i = 0; i < json["rules"].size(); ++i) {
            auto rule = ruleOf(json["rules"][i]);
            if (!rule) return during(std::move(rule).error(), fmt::format("rule {}", i + 1));
            model.rules.push_back(*std::move(rule));
        }
    }
    if (json.contains("durations")) {
        if (!json["durations"].is_object() || json["durations"].size() > kMostEntries)
            return fail(ErrorCode::Malformed, "'durations' is not an object");
        for (const auto& [gate, time] : json["durations"].items()) {
            QSCOPE_TRY(model.durations[gate], number(time, "a duration"));
        }
    }
    if (json.contains("decay")) {
        QSCOPE_TRY(model.decay, perQubit<Decay>(json["decay"], "'decay'", decayOf));
    }
    if (json.contains("readout")) {
        QSCOPE_TRY(model.readout, perQubit<ReadoutError>(json["readout"], "'readout'", readoutOf));
    }
    QSCOPE_CHECK(checkNoise(model));
    return model;
}

Json toJson(const NoiseModel& model) {
    Json json{{"noise", model.name}, {"rules", Json::array()}};
    for (const NoiseRule& rule : model.rules) {
        Json entry{{"gates", rule.gates}};
        if (!rule.except.empty()) entry["except"] = rule.except;
        if (!rule.qubits.empty()) entry["qubits"] = rule.qubits;
        entry["channel"] = toJson(rule.channel);
        json["rules"].push_back(std::move(entry));
    }
    json["durations"] = model.durations;
    json["decay"] = toJson(model.decay);
    json["readout"] = toJson(model.readout);
    return json;
}

} // namespace qscope::engine
