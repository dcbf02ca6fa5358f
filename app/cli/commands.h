// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/cli/environment.h"

namespace qscope::cli {

// One function per command, each in a file of its own under `commands/`: it declares the command's options and sets
// `chosen` when the command was named.

void addInfo(CLI::App& program, Command& chosen);
void addStats(CLI::App& program, Command& chosen);
void addMethods(CLI::App& program, Command& chosen);
void addQuantize(CLI::App& program, Command& chosen);
void addCompare(CLI::App& program, Command& chosen);
void addEval(CLI::App& program, Command& chosen);
void addPropagate(CLI::App& program, Command& chosen);
void addRun(CLI::App& program, Command& chosen);
void addDiff(CLI::App& program, Command& chosen);
void addConvert(CLI::App& program, Command& chosen);
void addCircuit(CLI::App& program, Command& chosen);
void addSimulate(CLI::App& program, Command& chosen);
void addGradient(CLI::App& program, Command& chosen);
void addHamiltonian(CLI::App& program, Command& chosen);
void addGenerate(CLI::App& program, Command& chosen);
void addTokenize(CLI::App& program, Command& chosen);
void addDevices(CLI::App& program, Command& chosen);
void addPlugins(CLI::App& program, Command& chosen);

} // namespace qscope::cli
