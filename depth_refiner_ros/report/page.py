# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The frame of the report: style and layout, filled in by ``html.py``."""

PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>$title</title>
<style>
:root { --ink: #1c2430; --quiet: #5b6675; --paper: #f6f7f9; --card: #fff; --line: #dde2e9;
  --accent: #2563eb; --good: #14804a; --bad: #b4232a; --note: #fff6dd; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6eaf0; --quiet: #97a3b4; --paper: #12161c;
  --card: #1a2029; --line: #2c3543; --accent: #6ea8fe; --good: #4cc38a; --bad: #ff7b80;
  --note: #33290f; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
main { max-width: 1240px; margin: 0 auto; padding: 28px 20px 60px; }
h1 { margin: 0; font-size: 26px; letter-spacing: -.01em; }
h2 { margin: 0 0 12px; font-size: 17px; }
h3 { margin: 18px 0 6px; font-size: 14px; }
.quiet, figcaption { color: var(--quiet); font-size: 13px; }
header p { margin: 4px 0 20px; color: var(--quiet); }
section, details { background: var(--card); border: 1px solid var(--line); border-radius: 10px;
  padding: 18px 20px; margin-top: 16px; }
summary { cursor: pointer; font-weight: 600; }
.tiles { display: grid; gap: 12px; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); }
.tile { background: var(--card); border: 1px solid var(--line); border-radius: 10px;
  padding: 12px 16px; }
.tile b { display: block; font-size: 26px; font-weight: 600; font-variant-numeric: tabular-nums; }
.tile span { color: var(--quiet); font-size: 13px; }
.note { background: var(--note); border-radius: 8px; padding: 10px 14px; margin: 14px 0 0; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: 5px 22px 5px 0; border-bottom: 1px solid var(--line);
  vertical-align: top; }
tr:last-child > * { border-bottom: 0; }
th { font-weight: 500; color: var(--quiet); white-space: nowrap; }
td small { color: var(--quiet); }
.pairs td { overflow-wrap: anywhere; }
.good { color: var(--good); font-weight: 600; }
.bad { color: var(--bad); font-weight: 600; }
figure { margin: 0; }
figure + figure { margin-top: 14px; }
img { display: block; width: 100%; border-radius: 6px; background: #fff; }
.views { display: grid; gap: 14px; grid-template-columns: repeat(auto-fit, minmax(330px, 1fr));
  margin-top: 12px; }
.views figure + figure { margin-top: 0; }
.plot { display: block; width: 100%; max-width: 860px; height: auto; }
.plot text { fill: var(--quiet); font-size: 12px; font-family: inherit; }
.plot .line { fill: none; stroke: var(--accent); stroke-width: 1.4; }
.plot .dot, .plot .bar { fill: var(--accent); }
.plot .grid { stroke: var(--line); stroke-width: 1; }
.plot .mark { stroke: var(--bad); stroke-width: 1; stroke-dasharray: 4 4; opacity: .75; }
</style>
</head>
<body>
<main>
<header><h1>$title</h1><p>$subtitle</p></header>
$body
</main>
</body>
</html>
"""
