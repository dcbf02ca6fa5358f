// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string_view>

namespace qscope::engine {

/// The style sheet of reports. Colours are those of the window's two themes (resources/themes).
inline constexpr std::string_view kHtmlStyle = R"css(
:root{color-scheme:light dark;--surface:#fff;--raised:#f6f7f9;--grid:#d9dce1;--text:#1a1c20;--muted:#5b616b;--good:#1a7f4b;
--c0:#bf8400;--c1:#4897c4;--c2:#009e73;--c3:#9a922a;--c4:#0072b2;--c5:#d55e00;--c6:#c675a2;--c7:#000}
@media(prefers-color-scheme:dark){:root{--surface:#1b1d21;--raised:#23262b;--grid:#383d45;--text:#e6e8eb;--muted:#a2a8b3;
--good:#4cc38a;--c0:#e69f00;--c1:#56b4e9;--c2:#009e73;--c3:#f0e442;--c4:#0575b4;--c5:#d55e00;--c6:#cc79a7;--c7:#fff}}
body{margin:0;background:var(--surface);color:var(--text);font:15px/1.5 system-ui,sans-serif}
main{max-width:960px;margin:0 auto;padding:32px 24px 64px}
h1{font-size:24px;margin:0;overflow-wrap:anywhere}h2{font-size:18px;margin:40px 0 8px}h3{font-size:15px;margin:24px 0 0}
p{margin:4px 0 12px}.muted,small{color:var(--muted)}
.chart{width:100%;height:auto;font-size:11.5px}
.view{max-width:100%;height:auto;border:1px solid var(--grid)}.bar{height:10px;background:var(--c4);min-width:1px}pre{overflow-x:auto;background:var(--raised);padding:12px}
.drawing svg{max-width:100%;height:auto}.wide{overflow-x:auto}table{border-collapse:collapse;width:100%}
th,td{text-align:left;vertical-align:top;padding:5px 16px 5px 0;border-bottom:1px solid var(--grid);font-weight:400}
thead th{font-weight:600}tbody th{color:var(--muted)}
.number{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums;padding:5px 0 5px 16px}
.name{overflow-wrap:anywhere}.best{font-weight:600}.best small{color:var(--good);font-weight:400}
.swatch{display:inline-block;width:10px;height:10px;border-radius:5px;margin-right:6px}
code{font-size:13px}ul{padding-left:20px}
@media print{main{max-width:none;padding:0}section{break-inside:avoid}}
)css";

} // namespace qscope::engine
