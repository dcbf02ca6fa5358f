// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/views/main_window.h"
#include "app/views/plan_panel.h"
#include "app/views/samples.h"
#include "app/views/simulate_panel.h"
#include "app/views/tensor_navigator.h"
#include "app/views/view_area.h"

#include <QCoreApplication>

namespace qscope {

namespace {

constexpr std::int64_t kAllSteps = std::int64_t{1} << 40;

QString tr(const char* text) { return QCoreApplication::translate("Tours", text); }

Tour worstLayer(MainWindow& window, Workspace& workspace) {
    return {tr("Find the layer that hurts"),
            tr("Outliers decide how well a tensor can be quantized. Sort by them and look."),
            {{QStringLiteral("welcomePage"), tr("Start with the sample: a small language model whose weights are all here."),
              tr("Open the sample"), [&workspace] { workspace.open(sampleModel()); }},
             {QStringLiteral("tensorTree"), tr("Every tensor has its statistics. Kurtosis tells how heavy the tails are."),
              tr("Sort by kurtosis"), [&window] { window.tensorNavigator().sortBy(TensorTreeModel::Kurtosis); }},
             {QStringLiteral("tensorTree"), tr("The worst tensor is now on top. Selecting it shows it in all views at once."),
              tr("Select it"), [&window] { window.tensorNavigator().selectFirst(); }},
             {QStringLiteral("modelArea"), tr("The outlier view says which channels hold the large values."),
              tr("Show the outliers"), [&window] { window.modelArea().raiseView(QStringLiteral("outliers")); }}}};
}

Tour compareMethods(MainWindow& window, Workspace& workspace) {
    const auto add = [&window, &workspace](const char* bits) {
        auto plan = workspace.document().plan();
        plan.methods.push_back({"rtn", {{"bits", bits}}});
        workspace.document().editPlan(std::move(plan), tr("Add method"));
        window.setMode(MainWindow::Mode::Model);
    };
    return {tr("Compare two methods"),
            tr("Quantize the whole model twice and see what the bits buy."),
            {{QStringLiteral("welcomePage"), tr("Start with the sample model."), tr("Open the sample"),
              [&workspace] { workspace.open(sampleModel()); }},
             {QStringLiteral("taskDock"), tr("Methods stand on the right. The first one rounds to 4 bits."), tr("Add 4 bits"),
              [add] { add("4"); }},
             {QStringLiteral("taskDock"), tr("A second one makes it a comparison."), tr("Add 8 bits"), [add] { add("8"); }},
             {QStringLiteral("runPlan"), tr("Both run on every weight matrix. The comparison opens when they are done; click a row to see that result everywhere."),
              tr("Quantize"), [&workspace] { workspace.runPlan(); }}}};
}

Tour stepCircuit(MainWindow& window, Workspace& workspace) {
    return {tr("Step through a circuit"),
            tr("Watch entanglement appear, one gate at a time."),
            {{QStringLiteral("welcomePage"), tr("This circuit prepares five qubits that are all 0 or all 1."), tr("Open the circuit"),
              [&workspace] { workspace.open(sampleCircuit(QStringLiteral("ghz_5"))); }},
             {QStringLiteral("taskDock"), tr("The state is shown after any number of operations."), tr("Go to the start"),
              [&window] { window.simulatePanel().step(-kAllSteps); }},
             {QStringLiteral("circuitArea"), tr("The first gate puts one qubit into an equal superposition."), tr("Apply one gate"),
              [&window] { window.simulatePanel().step(1); }},
             {QStringLiteral("circuitArea"), tr("As the others join, each single qubit's vector shrinks: it is known only together with the rest."),
              tr("Show the Bloch spheres"), [&window] {
                  window.simulatePanel().step(1);
                  window.circuitArea().raiseView(QStringLiteral("state_bloch"));
              }}}};
}

} // namespace

std::vector<Tour> makeTours(MainWindow& window, Workspace& workspace) {
    return {worstLayer(window, workspace), compareMethods(window, workspace), stepCircuit(window, workspace)};
}

} // namespace qscope
