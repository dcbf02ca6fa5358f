// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/workspace/session.h"

#include "app/workspace/settings.h"
#include "engine/core/atomic_file.h"

#include <QDir>
#include <QFileInfo>

namespace qscope {

namespace {

constexpr const char* kFormat = "quantoscope session";
constexpr int kVersion = 1;

std::string stored(const QString& path, const QString& folder) {
    if (path.isEmpty()) return {};
    const QString relative = QDir(folder).relativeFilePath(path);
    return (relative.startsWith(QLatin1String("..")) ? path : relative).toStdString();
}

/// Reads fields of one object; remembers the first that is missing or wrong.
class Fields {
public:
    explicit Fields(const Json& json) : m_json(json) {}

    [[nodiscard]] QString text(const char* key) {
        const auto* value = find(key, [](const Json& v) { return v.is_string(); });
        return value ? QString::fromStdString(value->get_ref<const std::string&>()) : QString();
    }
    [[nodiscard]] std::int64_t integer(const char* key) {
        const auto* value = find(key, [](const Json& v) { return v.is_number_integer(); });
        return value ? value->get<std::int64_t>() : 0;
    }
    [[nodiscard]] const Json* object(const char* key) {
        return find(key, [](const Json& v) { return v.is_object(); });
    }
    [[nodiscard]] const std::string& problem() const { return m_problem; }

private:
    template<class Test>
    const Json* find(const char* key, Test test) {
        const auto found = m_json.find(key);
        if (found != m_json.end() && test(*found)) return &*found;
        if (m_problem.empty()) m_problem = key;
        return nullptr;
    }

    const Json& m_json;
    std::string m_problem;
};

Json toJson(const std::vector<PinnedColumn>& pinned, const QString& baseline) {
    Json columns = Json::array();
    for (const PinnedColumn& column : pinned)
        columns.push_back({{"method", engine::toText(column.spec)}, {"tensor", column.tensor.toStdString()}});
    return {{"baseline", baseline.toStdString()}, {"columns", std::move(columns)}};
}

Result<void> readBoard(const Json& json, SessionData& session) {
    const auto malformed = [](const char* field) {
        return fail(ErrorCode::Malformed, "session: 'board.{}' is missing or has the wrong type", field);
    };
    if (!json.is_object()) return fail(ErrorCode::Malformed, "session: 'board' has the wrong type");
    Fields fields(json);
    session.baseline = fields.text("baseline");
    if (!fields.problem().empty()) return malformed("baseline");
    const auto columns = json.find("columns");
    if (columns == json.end() || !columns->is_array()) return malformed("columns");
    for (const Json& entry : *columns) {
        if (!entry.is_object()) return malformed("columns");
        Fields column(entry);
        const std::string method = column.text("method").toStdString();
        const QString tensor = column.text("tensor");
        if (!column.problem().empty()) return malformed("columns");
        QSCOPE_TRY(auto spec, engine::parseMethodSpec(method));
        session.pinned.push_back({std::move(spec), {}, tensor});
    }
    return {};
}

} // namespace

Json toJson(const SessionData& session, const QString& folder) {
    Json annotations = Json::object();
    for (const auto& [tensor, text] : session.annotations) annotations[tensor.toStdString()] = text.toStdString();
    Json parts = Json::object();
    for (auto it = session.layout.begin(); it != session.layout.end(); ++it)
        parts[it.key().toStdString()] = it.value().toBase64().toStdString();
    const auto& at = session.selection;
    Json json{{"format", kFormat},
            {"version", kVersion},
            {"checkpoint", stored(session.checkpoint, folder)},
            {"circuit", stored(session.circuit, folder)},
            {"plan", engine::toJson(session.plan)},
            {"annotations", std::move(annotations)},
            {"board", toJson(session.pinned, session.baseline)},
            {"selection", {{"tensor", session.tensor.toStdString()},
                           {"row", at.row},
                           {"column", at.column},
                           {"qubit", at.qubit},
                           {"step", at.step}}},
            {"layout", {{"version", kLayoutVersion}, {"parts", std::move(parts)}}}};
    if (session.circuitText) json["circuit_text"] = session.circuitText->toStdString();
    return json;
}

Result<SessionData> sessionFromJson(const Json& json, const QString& folder) {
    const auto malformed = [](const std::string& field) {
        return fail(ErrorCode::Malformed, "session: '{}' is missing or has the wrong type", field);
    };
    if (!json.is_object()) return fail(ErrorCode::Malformed, "session: expected an object");
    Fields fields(json);
    if (fields.text("format") != QLatin1String(kFormat)) return malformed("format");
    const auto version = fields.integer("version");
    if (version > kVersion)
        return fail(ErrorCode::Unsupported, "session: version {} is newer than this program's {}", version, kVersion);

    SessionData session;
    const auto absolute = [&](const QString& path) {
        return path.isEmpty() ? path : QDir::cleanPath(QDir(folder).absoluteFilePath(path));
    };
    session.checkpoint = absolute(fields.text("checkpoint"));
    session.circuit = absolute(fields.text("circuit"));
    if (const auto text = json.find("circuit_text"); text != json.end()) { // only where there is something unsaved
        if (!text->is_string()) return malformed("circuit_text");
        session.circuitText = QString::fromStdString(text->get<std::string>());
    }
    const auto* plan = fields.object("plan");
    const auto* annotations = fields.object("annotations");
    const auto* selection = fields.object("selection");
    const auto* layout = fields.object("layout");
    if (!fields.problem().empty()) return malformed(fields.problem());

    QSCOPE_TRY(session.plan, engine::planFromJson(*plan));
    for (const auto& [tensor, text] : annotations->items()) {
        if (!text.is_string()) return malformed("annotations");
        session.annotations[QString::fromStdString(tensor)] = QString::fromStdString(text.get<std::string>());
    }
    if (const auto board = json.find("board"); board != json.end()) QSCOPE_CHECK(readBoard(*board, session));
    Fields at(*selection);
    session.tensor = at.text("tensor");
    session.selection.row = at.integer("row");
    session.selection.column = at.integer("column");
    session.selection.qubit = static_cast<int>(std::clamp<std::int64_t>(at.integer("qubit"), -1, 1 << 20));
    session.selection.step = std::max<std::int64_t>(at.integer("step"), -1);
    if (!at.problem().empty()) return malformed("selection." + at.problem());
    Fields parts(*layout);
    const auto layoutVersion = parts.integer("version");
    const auto* states = parts.object("parts");
    if (!parts.problem().empty()) return malformed("layout." + parts.problem());
    if (layoutVersion == kLayoutVersion)
        for (const auto& [part, state] : states->items()) {
            if (!state.is_string()) return malformed("layout.parts");
            session.layout[QString::fromStdString(part)] =
                QByteArray::fromBase64(QByteArray::fromStdString(state.get<std::string>()));
        }
    return session;
}

Result<void> saveSession(const SessionData& session, const QString& path) {
    const auto json = toJson(session, QFileInfo(path).absolutePath());
    // A name from a file may hold bytes that are no UTF-8: replaced rather than thrown over.
    return writeFileAtomically(path.toStdString(), json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
}

Result<SessionData> loadSession(const QString& path) {
    QSCOPE_TRY(const Json json, readJsonFile(path.toStdString()));
    auto session = sessionFromJson(json, QFileInfo(path).absolutePath());
    if (!session) return during(session.error(), "reading " + path.toStdString());
    return session;
}

} // namespace qscope
