// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/core/json.h"

#include "engine/core/mapped_file.h"

#include <unordered_set>

namespace qscope {

namespace {

/// Builds a document event by event, so that depth and duplicate keys are refused before they cost memory.
class LimitedBuilder : public nlohmann::json_sax<Json> {
public:
    LimitedBuilder(Json& root, const ReadLimits& limits) : m_root(root), m_limits(limits) {}

    bool null() override { return place(nullptr); }
    bool boolean(bool value) override { return place(value); }
    bool number_integer(number_integer_t value) override { return place(value); }
    bool number_unsigned(number_unsigned_t value) override { return place(value); }
    bool number_float(number_float_t value, const string_t&) override { return place(value); }
    bool string(string_t& value) override { return place(std::move(value)); }
    bool binary(binary_t&) override { return refuse("binary values are not JSON"); }
    bool start_object(std::size_t) override { return enter(Json::object()); }
    bool start_array(std::size_t) override { return enter(Json::array()); }
    bool end_object() override { return leave(); }
    bool end_array() override { return leave(); }
    bool key(string_t& name) override {
        if (!m_open.back().keys.insert(name).second) return refuse("duplicate key '" + name + "'");
        m_open.back().key = std::move(name);
        return true;
    }
    bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception&) override {
        return refuse("not valid JSON at byte " + std::to_string(position));
    }

    std::string reason;

private:
    struct Level {
        Json value;
        std::string key;
        std::unordered_set<std::string> keys;
    };

    bool refuse(std::string why) {
        reason = std::move(why);
        return false;
    }
    bool enter(Json container) {
        if (m_open.size() >= static_cast<std::size_t>(m_limits.nestingDepth)) return refuse("nested too deeply");
        m_open.push_back({std::move(container), {}, {}});
        return true;
    }
    bool leave() {
        Json finished = std::move(m_open.back().value);
        m_open.pop_back();
        return place(std::move(finished));
    }
    bool place(Json value) {
        if (m_open.empty()) m_root = std::move(value);
        else if (Level& parent = m_open.back(); parent.value.is_array()) parent.value.push_back(std::move(value));
        // emplace_back on the underlying vector: uniqueness is known, and ordered_json's own insert is a linear search.
        else parent.value.get_ref<Json::object_t&>().emplace_back(std::move(parent.key), std::move(value));
        return true;
    }

    Json& m_root;
    const ReadLimits& m_limits;
    std::vector<Level> m_open;
};

} // namespace

Result<Json> parseJson(std::string_view text, const ReadLimits& limits) {
    Json root;
    LimitedBuilder builder(root, limits);
    try {
        if (!Json::sax_parse(text.begin(), text.end(), &builder)) return fail(ErrorCode::Malformed, "{}", builder.reason);
    } catch (const std::exception& problem) {
        return fail(ErrorCode::Malformed, "not valid JSON: {}", problem.what());
    }
    return root;
}

Result<Json> readJsonFile(const std::filesystem::path& path, const ReadLimits& limits) {
    QSCOPE_TRY(const auto file, MappedFile::open(path));
    const auto bytes = file->bytes();
    if (bytes.size() > limits.headerBytes) return fail(ErrorCode::Malformed, "{} bytes of JSON are too many", bytes.size());
    return parseJson({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, limits);
}

} // namespace qscope
