// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/views/sweep_rows.h"

#include "app/models/value_list.h"

#include <QCheckBox>
#include <QGridLayout>
#include <QLabel>
#include <QLineEdit>
#include <QVBoxLayout>

#include <algorithm>

namespace qscope {

namespace {

QString text(const std::string& part) { return QString::fromStdString(part); }

bool isListed(const engine::ParamSpec& param) {
    return param.type == engine::ParamType::Choice || param.type == engine::ParamType::Flag;
}

QStringList choicesOf(const engine::ParamSpec& param) {
    if (param.type == engine::ParamType::Flag) return {QStringLiteral("true"), QStringLiteral("false")};
    QStringList choices;
    for (const auto& choice : param.choices) choices << text(choice);
    return choices;
}

QLabel* caption(const QString& words, Workspace& workspace) {
    auto* label = new QLabel(words);
    label->setFont(Theme::caption());
    QPalette muted = label->palette();
    muted.setColor(QPalette::WindowText, workspace.theme().color(Role::Muted));
    label->setPalette(muted);
    return label;
}

} // namespace

SweepRows::SweepRows(Workspace& workspace, QWidget* parent)
    : QWidget(parent)
    , m_workspace(workspace) {
    auto* outer = new QVBoxLayout(this);
    outer->setContentsMargins(8, 0, 8, 0);
    outer->addWidget(
        caption(tr("Values to go through: 2, 3, 4 or 2..8 or 32..512 x2.\nEmpty: as the method has it."), m_workspace));
    m_grid = new QGridLayout;
    m_grid->setSpacing(8);
    m_grid->setColumnStretch(1, 1);
    outer->addLayout(m_grid);
    outer->addStretch();
}

void SweepRows::setAxes(const std::vector<engine::SweepAxis>& axes) {
    for (const auto& axis : axes) {
        QStringList values;
        for (const auto& value : axis.values) values << text(value);
        m_typed[text(axis.parameter)] = values.join(QStringLiteral(", "));
    }
}

Result<std::vector<engine::SweepAxis>> SweepRows::axes() const {
    std::vector<engine::SweepAxis> axes;
    for (const Row& row : m_rows) {
        QSCOPE_TRY(auto values, parseValueList(row.param, row.text));
        if (!values.empty()) axes.push_back({row.param.key, std::move(values)});
    }
    return axes;
}

void SweepRows::proposeValues(std::vector<Row>& rows) {
    if (!m_typed.empty()) return;
    const auto propose = [&](const char* key, const QString& values) {
        const auto row = std::ranges::find_if(rows, [&](const Row& r) { return r.param.key == key; });
        if (row != rows.end() && parseValueList(row->param, values)) m_typed[text(row->param.key)] = values;
    };
    propose("bits", QStringLiteral("2, 3, 4, 8"));
    propose("group", QStringLiteral("32, 64, 128"));
}

void SweepRows::setMethods(const std::vector<engine::MethodSpec>& specs) {
    while (auto* item = m_grid->takeAt(0)) {
        delete item->widget();
        delete item;
    }
    struct Shared {
        Row row;
        QStringList methods;
    };
    std::vector<Shared> shared;
    for (const auto& spec : specs) {
        const auto method = engine::findMethod(m_workspace.registries(), spec.id);
        if (!method) continue;
        for (const auto& param : (*method)->info().parameters) {
            auto found = std::ranges::find_if(shared, [&](const Shared& s) { return s.row.param.key == param.key; });
            if (found == shared.end()) found = shared.insert(shared.end(), Shared{Row{param, {}}, {}});
            found->methods << text((*method)->info().name);
        }
    }
    std::ranges::stable_sort(shared,
                             [](const Shared& a, const Shared& b) { return a.methods.size() > b.methods.size(); });
    m_rows.clear();
    for (const Shared& one : shared) m_rows.push_back(one.row);
    proposeValues(m_rows);
    for (std::size_t i = 0; i < m_rows.size(); ++i) {
        Row& row = m_rows[i];
        row.text = m_typed[text(row.param.key)];
        auto* name = new QLabel(text(row.param.label));
        name->setToolTip(text(row.param.help));
        const bool all = shared[i].methods.size() == static_cast<qsizetype>(specs.size());
        // One line each: wrapped labels in a scrolled grid would squeeze the fields.
        auto* range = caption(all ? describeRange(row.param)
                                  : tr("%1; %2 of %3 methods")
                                        .arg(describeRange(row.param))
                                        .arg(shared[i].methods.size())
                                        .arg(specs.size()),
                              m_workspace);
        if (!all) range->setToolTip(shared[i].methods.join(QLatin1Char('\n')));
        const int line = static_cast<int>(2 * i);
        m_grid->addWidget(name, line, 0, Qt::AlignTop);
        m_grid->addWidget(makeEditor(row), line, 1);
        m_grid->addWidget(range, line + 1, 1);
    }
    if (specs.empty())
        m_grid->addWidget(caption(tr("Choose one or more methods on the left."), m_workspace), 0, 0, 1, 2);
    emit edited();
}

QWidget* SweepRows::makeEditor(Row& row) {
    const QString key = text(row.param.key);
    const auto store = [this, key](const QString& typed) {
        m_typed[key] = typed;
        for (Row& one : m_rows)
            if (text(one.param.key) == key) one.text = typed;
        emit edited();
    };
    if (!isListed(row.param)) {
        auto* line = new QLineEdit(row.text);
        line->setObjectName(QStringLiteral("sweep_") + key);
        line->setAccessibleName(text(row.param.label));
        line->setToolTip(text(row.param.help));
        connect(line, &QLineEdit::textChanged, this, store);
        return line;
    }
    auto* box = new QWidget;
    box->setObjectName(QStringLiteral("sweep_") + key);
    auto* grid = new QGridLayout(box);
    grid->setContentsMargins(0, 0, 0, 0);
    QStringList on;
    for (const QString& part : row.text.split(QLatin1Char(','), Qt::SkipEmptyParts)) on << part.trimmed();
    const QStringList choices = choicesOf(row.param);
    for (int i = 0; i < choices.size(); ++i) {
        auto* check = new QCheckBox(choices[i], box);
        check->setChecked(on.contains(choices[i]));
        connect(check, &QCheckBox::toggled, this, [box, choices, store] {
            QStringList values;
            for (const auto* one : box->findChildren<QCheckBox*>())
                if (one->isChecked()) values << one->text();
            store(values.join(QStringLiteral(", ")));
        });
        grid->addWidget(check, i / 2, i % 2);
    }
    return box;
}

} // namespace qscope
