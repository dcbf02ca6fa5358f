// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/workspace/workspace.h"

#include <QDialog>
#include <QTimer>

class QComboBox;
class QFormLayout;
class QLabel;
class QLineEdit;
class QProgressBar;
class QPushButton;

namespace qscope {

/// Writes one result to a file: which result, which format, where. Says beforehand what will be written, how large it is
/// and who loads it; formats that cannot hold the result are greyed with the reason. Afterwards says how it was checked.
class ExportDialog : public QDialog {
    Q_OBJECT
public:
    explicit ExportDialog(Workspace& workspace, QWidget* parent = nullptr);

    [[nodiscard]] QString path() const;
    void setPath(const QString& path);
    void setFormat(const QString& exporterId);
    /// As a user types it: "5GB"; empty: one file.
    void setShardSize(const QString& size);
    void start();

signals:
    void exported(const QString& path, const qscope::engine::ExportOutcome& outcome);
    void failed(const QString& reason);
    void openRequested(const QString& path);

private:
    /// Why a format cannot hold the chosen result; empty when it can.
    using Refusals = std::vector<QString>;

    void arrange();
    void checkFormats();
    void showRefusals(const Refusals& refusals);
    void finished(const QString& target, const Result<engine::ExportOutcome>& outcome);
    [[nodiscard]] const engine::Exporter* exporter() const;
    [[nodiscard]] const engine::MethodResult* result() const;
    /// Nothing when the text is no size, or the format is written in one file.
    [[nodiscard]] std::optional<std::uint64_t> shardBytes() const;
    [[nodiscard]] QString sizeText() const;
    void refresh();
    void proposePath();
    void browse();
    void showState(const QString& text, Role role);

    Workspace& m_workspace;
    std::shared_ptr<const engine::Checkpoint> m_checkpoint;
    std::shared_ptr<const engine::CompareReport> m_report;
    std::unique_ptr<Jobs> m_jobs;
    std::unique_ptr<Jobs> m_checks; ///< asks every format whether it holds the result
    Refusals m_refusals;            ///< in the order of the formats; empty until they are known
    QComboBox* m_result;
    QComboBox* m_format;
    QLabel* m_summary;
    QLabel* m_loaders;
    QLabel* m_size;
    QFormLayout* m_form;
    QLineEdit* m_shardSize;
    QLineEdit* m_path;
    QLabel* m_state;
    QProgressBar* m_progress;
    QPushButton* m_export;
    QPushButton* m_cancel;
    QPushButton* m_open;
    QTimer m_poll;
    QString m_written;          ///< what to open after an export
    bool m_choseFormat = false; ///< the user chose the format; it is not changed for one that fits
    bool m_ownPath = false;     ///< the user chose the path; it is not proposed again
};

} // namespace qscope
