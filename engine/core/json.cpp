// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/core/json.h"

#include "engine/core/mapped_file.h"

#include <algorithm>
#include <vector>

namespace qscope {

namespace {

// What a document takes in memory: a container with its first allocation, an element of a list and a member of an object
// in vectors that double, and a text. Values count once more: the library lines them up to destroy them.
constexpr std::uint64_t kContainerBytes = 48, kElementBytes = 3 * sizeof(Json), kTextBytes = 48;
constexpr std::uint64_t kMemberBytes = 2 * sizeof(Json::object_t::value_type) + sizeof(Json);

std::uint64_t bytesOfText(const std::string& text) { return kTextBytes + textHeapBytes(text.size()); }

/// Builds a document event by event, so that depth, duplicate keys and too many values are refused before they cost memory.
class LimitedBuilder : public nlohmann::json_sax<Json> {
public:
    LimitedBuilder(Json& root, const ReadLimits& limits, MemoryBudget& budget, JsonPairs pairs)
        : m_root(root), m_limits(limits), m_budget(budget), m_pairs(pairs) {}

    bool null() override { return place(nullptr); }
    bool boolean(bool value) override { return place(value); }
    bool number_integer(number_integer_t value) override { return place(value); }
    bool number_unsigned(number_unsigned_t value) override { return place(value); }
    bool number_float(number_float_t value, const string_t&) override { return place(value); }
    bool string(string_t& value) override { return spend(bytesOfText(value)) && place(std::move(value)); }
    bool binary(binary_t&) override { return refuse(ErrorCode::Malformed, "binary values are not JSON"); }
    bool start_object(std::size_t) override { return enter(Json::object()); }
    bool start_array(std::size_t) override { return enter(Json::array()); }
    bool end_object() override { return hasUniqueKeys() && leave(); }
    bool end_array() override {
        const bool listed = m_open.size() > 1 && m_open[m_open.size() - 2].value.is_array();
        if (listed && m_pairs == JsonPairs::Join) join(m_open.back().value);
        return leave();
    }
    bool key(string_t& name) override {
        if (!spend(kMemberBytes + textHeapBytes(name.size()))) return false;
        m_open.back().key = std::move(name);
        return true;
    }
    bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception&) override {
        return refuse(ErrorCode::Malformed, "not valid JSON at byte " + std::to_string(position));
    }

    Error error{ErrorCode::Malformed, {}, {}};

private:
    struct Level {
        Json value;
        std::string key;
    };

    bool refuse(ErrorCode code, std::string why) {
        error = {code, std::move(why), {}};
        return false;
    }
    bool spend(std::uint64_t bytes) {
        auto spent = m_budget.spend(bytes);
        return spent || refuse(spent.error().code, spent.error().message);
    }
    bool enter(Json container) {
        if (m_open.size() >= static_cast<std::size_t>(m_limits.nestingDepth)) return refuse(ErrorCode::Malformed, "nested too deeply");
        if (!spend(kContainerBytes)) return false;
        m_open.push_back({std::move(container), {}});
        return true;
    }
    bool leave() {
        Json finished = std::move(m_open.back().value);
        m_open.pop_back();
        return place(std::move(finished));
    }
    bool place(Json value) {
        if (m_open.empty()) {
            m_root = std::move(value);
        } else if (Level& parent = m_open.back(); parent.value.is_array()) {
            if (!spend(kElementBytes)) return false;
            parent.value.push_back(std::move(value));
        } else { // on the underlying vector: ordered_json's own insert is a linear search for the key
            parent.value.get_ref<Json::object_t&>().emplace_back(std::move(parent.key), std::move(value));
        }
        return true;
    }
    bool hasUniqueKeys() {
        const auto& members = m_open.back().value.get_ref<const Json::object_t&>();
        if (members.size() < 2) return true;
        std::vector<const std::string*> keys;
        keys.reserve(members.size());
        for (const auto& [name, value] : members) keys.push_back(&name);
        const auto less = [](const std::string* a, const std::string* b) { return *a < *b; };
        std::ranges::sort(keys, less);
        const auto twice = std::ranges::adjacent_find(keys, [](const std::string* a, const std::string* b) { return *a == *b; });
        if (twice == keys.end()) return true;
        constexpr std::size_t kShown = 80;
        return refuse(ErrorCode::Malformed, "duplicate key " + Json((*twice)->substr(0, kShown)).dump(-1, ' ', false, Json::error_handler_t::replace));
    }
    void join(Json& list) {
        if (list.size() != 2 || !list[0].is_string() || !list[1].is_string()) return;
        const auto &first = list[0].get_ref<const std::string&>(), &second = list[1].get_ref<const std::string&>();
        const std::uint64_t before = kContainerBytes + 2 * kElementBytes + bytesOfText(first) + bytesOfText(second);
        std::string both = first + ' ' + second;
        m_budget.giveBack(before - std::min(before, bytesOfText(both)));
        list = std::move(both);
    }

    Json& m_root;
    const ReadLimits& m_limits;
    MemoryBudget& m_budget;
    JsonPairs m_pairs;
    std::vector<Level> m_open;
};

} // namespace

Result<Json> parseJson(std::string_view text, const ReadLimits& limits) {
    MemoryBudget budget(text.size());
    return parseJson(text, limits, budget);
}

Result<Json> parseJson(std::string_view text, const ReadLimits& limits, MemoryBudget& budget, JsonPairs pairs) {
    Json root;
    LimitedBuilder builder(root, limits, budget, pairs);
    try {
        if (!Json::sax_parse(text.begin(), text.end(), &builder)) return tl::unexpected(std::move(builder.error));
    } catch (const std::exception& problem) {
        return fail(ErrorCode::Malformed, "not valid JSON: {}", problem.what());
    }
    return root;
}

Result<Json> readJsonFile(const std::filesystem::path& path, const ReadLimits& limits) {
    MemoryBudget budget(0);
    return readJsonFile(path, limits, budget);
}

Result<Json> readSideJson(const std::filesystem::path& path, const ReadLimits& limits) {
    MemoryBudget budget = MemoryBudget::forSideFile();
    return readJsonFile(path, limits, budget);
}

Result<Json> readJsonFile(const std::filesystem::path& path, const ReadLimits& limits, MemoryBudget& budget, JsonPairs pairs) {
    QSCOPE_TRY(const auto file, MappedFile::open(path));
    const auto bytes = file->bytes();
    if (bytes.size() > limits.headerBytes) return fail(ErrorCode::Malformed, "{} bytes of JSON are too many", bytes.size());
    budget.add(bytes.size());
    return parseJson({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, limits, budget, pairs);
}

} // namespace qscope
