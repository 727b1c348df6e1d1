#include "pgtraffic/report/live_page.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "pgtraffic/report/json.hpp"

namespace pgtraffic::report {
namespace {

constexpr std::string_view kPage = R"html(<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>pgtraffic</title>
<style>
:root { color-scheme: light dark; --line: #2563eb; --other: #9ca3af; --bad: #dc2626; --edge: #8884; }
body { font: 15px/1.45 system-ui, sans-serif; margin: 1rem auto; max-width: 62rem; padding: 0 1rem; }
h1 { font-size: 1.25rem; } h2 { font-size: 1rem; margin: 1.2rem 0 .3rem; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: right; padding: .15rem .6rem; border-bottom: 1px solid var(--edge); }
th:first-child, td:first-child { text-align: left; }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(9rem, 1fr)); gap: .5rem; padding: 0; }
.cards div { border: 1px solid var(--edge); border-radius: .4rem; padding: .4rem .7rem; }
.cards dt { opacity: .7; font-size: .85em; } .cards dd { margin: 0; font-size: 1.2em; }
svg { width: 100%; height: 8rem; border: 1px solid var(--edge); border-radius: .4rem; }
path { fill: none; stroke-width: 1.5; vector-effect: non-scaling-stroke; }
.a { stroke: var(--line); } .b { stroke: var(--other); } .c { stroke: var(--bad); }
small { opacity: .75; }
</style>
<h1>pgtraffic <small id="state" role="status">connecting to the run…</small></h1>
<noscript>This page moves by JavaScript. <a href="metrics">/metrics</a> has the numbers without it.</noscript>
<dl class="cards" id="cards"></dl>
<h2>Rate <small id="rate"></small></h2>
<svg viewBox="0 0 600 100" preserveAspectRatio="none" role="img" aria-labelledby="rate">
<path class="b" id="target"></path><path class="a" id="attained"></path></svg>
<h2>Response time, on a log axis <small id="latency"></small></h2>
<svg viewBox="0 0 600 100" preserveAspectRatio="none" role="img" aria-labelledby="latency">
<path class="c" id="p99"></path><path class="a" id="p50"></path></svg>
<h2>Backlog <small id="backlog"></small></h2>
<svg viewBox="0 0 600 100" preserveAspectRatio="none" role="img" aria-labelledby="backlog">
<path class="c" id="waiting"></path></svg>
<h2>Operations</h2>
<table><thead><tr><th>operation<th>ok<th>empty<th>failed<th>timed out<th>missed</thead>
<tbody id="operations"></tbody></table>
<h2>Last intervals</h2>
<table><thead><tr><th>second<th>target/s<th>attained/s<th>p50 ms<th>p99 ms<th>failed<th>waiting</thead>
<tbody id="intervals"></tbody></table>
<p><a href="metrics">metrics</a> · <a href="result.json">result.json</a></p>
<script>
"use strict";
const $ = id => document.getElementById(id);
const series = [], kMost = 600;
let previous = null;
const number = (x, digits = 0) => x === null || x === undefined ? "–" :
  x.toLocaleString("en", {maximumFractionDigits: digits, minimumFractionDigits: digits});

function rows(body, table) {
  body.replaceChildren(...table.map(cells => {
    const row = document.createElement("tr");
    row.append(...cells.map(text => {
      const cell = document.createElement("td");
      cell.textContent = text;
      return cell;
    }));
    return row;
  }));
}

function draw(id, values, low, high) {
  let path = "", pen = "M";
  values.forEach((v, i) => {
    if (v === null || v === undefined || Number.isNaN(v)) { pen = "M"; return; }
    const x = values.length < 2 ? 0 : 600 * i / (values.length - 1);
    const y = 97 - 94 * (high > low ? (v - low) / (high - low) : 0);
    path += pen + x.toFixed(1) + " " + y.toFixed(1);
    pen = "L";
  });
  $(id).setAttribute("d", path);
}

function drawAll() {
  const last = series[series.length - 1];
  const target = series.map(i => i.target_per_s), attained = series.map(i => i.throughput_per_s);
  const highest = Math.max(1, ...attained, ...target.filter(x => x !== null));
  draw("target", target, 0, highest);
  draw("attained", attained, 0, highest);
  $("rate").textContent = last.target_per_s === null ? number(last.throughput_per_s) + "/s" :
    number(last.throughput_per_s) + "/s of " + number(last.target_per_s) + "/s (grey)";
  const log = x => x > 0 ? Math.log10(x) : null;
  const p50 = series.map(i => log(i.p50_ms)), p99 = series.map(i => log(i.p99_ms));
  const known = p50.concat(p99).filter(x => x !== null);
  const low = Math.floor(Math.min(...known)), high = Math.ceil(Math.max(...known));
  draw("p50", p50, low, high);
  draw("p99", p99, low, high);
  $("latency").textContent = "p50 " + number(last.p50_ms, 2) + " ms, p99 " +
    number(last.p99_ms, 2) + " ms (red)";
  const waiting = series.map(i => i.waiting);
  draw("waiting", waiting, 0, Math.max(1, ...waiting));
  $("backlog").textContent = number(last.waiting) + " waiting";
  rows($("intervals"), series.slice(-10).reverse().map(i => [number(i.elapsed_s, 1), number(i.target_per_s),
    number(i.throughput_per_s), number(i.p50_ms, 2), number(i.p99_ms, 2),
    number(i.failed + i.timed_out), number(i.waiting)]));
}

function cards(m) {
  const now = previous && m.elapsed_s > previous.elapsed_s ?
    (m.succeeded - previous.succeeded) / (m.elapsed_s - previous.elapsed_s) : null;
  previous = m;
  const list = [["time", number(m.elapsed_s, 0) + " of " + number(m.duration_s, 0) + " s"],
    ["phase", m.phase || "–"], ["attained", number(now) + "/s"],
    ["target", m.target_per_s === null ? "–" : number(m.target_per_s) + "/s"],
    ["succeeded", number(m.succeeded)], ["failed", number(m.failed)], ["waiting", number(m.waiting)],
    ["in flight", number(m.in_flight)],
    ["connections", number(m.connections.idle + m.connections.busy) + " of " + number(m.connections.wanted)],
    ["our own load", number(100 * m.loop_busy_ratio) + " %"]];
  $("cards").replaceChildren(...list.map(([name, value]) => {
    const box = document.createElement("div"), dt = document.createElement("dt"),
      dd = document.createElement("dd");
    dt.textContent = name;
    dd.textContent = value;
    box.append(dt, dd);
    return box;
  }));
  rows($("operations"), m.operations.map(o => [o.name, number(o.ok), number(o.empty), number(o.failed),
    number(o.timed_out), number(o.missed)]));
}

const events = new EventSource("events");
let stage = "";
events.onopen = () => { series.length = 0; previous = null; };
events.addEventListener("moment", e => {
  const m = JSON.parse(e.data);
  stage = m.stage;
  $("state").textContent = stage;
  cards(m);
});
events.addEventListener("interval", e => {
  series.push(JSON.parse(e.data));
  if (series.length > kMost) series.shift();
  drawAll();
});
events.addEventListener("result", () => { $("state").textContent = "finished; result.json is there"; });
events.onerror = () => { if (stage !== "finished") $("state").textContent = "the run does not answer"; };
</script>
</html>
)html";

std::string event(std::string_view name, const nlohmann::ordered_json& data) {
    return fmt::format("event: {}\ndata: {}\n", name, json_line(data));  // which ends with a newline
}

}  // namespace

std::string_view live_page() noexcept {
    return kPage;
}

std::string_view live_page_policy() noexcept {
    return "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; "
           "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
}

std::string moment_event(const metrics::LiveMoment& moment) {
    using metrics::Outcome;
    nlohmann::ordered_json data{
        {"stage", moment.stage},           {"phase", moment.phase},
        {"elapsed_s", moment.elapsed_s},   {"duration_s", moment.duration_s},
        {"target_per_s", nullptr},         {"planned", moment.planned},
        {"started", moment.started},       {"waiting", moment.waiting},
        {"missed", moment.missed},         {"in_flight", moment.in_flight},
        {"reconnects", moment.reconnects}, {"loop_busy_ratio", moment.loop_busy_ratio}};
    if (moment.open_loop) data["target_per_s"] = moment.target_per_s;
    const auto& connections = moment.connections;
    data["connections"] = {{"wanted", connections.wanted},
                           {"idle", connections.idle},
                           {"busy", connections.busy},
                           {"connecting", connections.connecting},
                           {"closed", connections.closed}};
    std::uint64_t succeeded = 0;
    std::uint64_t failed = 0;
    auto operations = nlohmann::ordered_json::array();
    for (const auto& o : moment.counts.operations) {
        succeeded += o.ended(Outcome::ok) + o.ended(Outcome::empty);
        failed += o.ended(Outcome::failed) + o.ended(Outcome::timed_out);
        operations.push_back({{"name", o.name},
                              {"ok", o.ended(Outcome::ok)},
                              {"empty", o.ended(Outcome::empty)},
                              {"failed", o.ended(Outcome::failed)},
                              {"timed_out", o.ended(Outcome::timed_out)},
                              {"missed", o.missed}});
    }
    data["succeeded"] = succeeded;
    data["failed"] = failed;
    data["operations"] = std::move(operations);
    return event("moment", data);
}

std::string interval_event(const metrics::Interval& interval, base::Wall started_at, bool open_loop) {
    return event("interval", interval_json(interval, started_at, open_loop));
}

}  // namespace pgtraffic::report
