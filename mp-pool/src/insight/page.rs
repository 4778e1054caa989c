//! The run as a page: a picture with one row for each worker, and a table of the slowest tasks.

use std::collections::BTreeSet;
use std::fmt::{self, Write};

use super::timeline::Timeline;
use super::track::{Bar, Ending, Track};

/// The picture, in units that are about pixels: what is left and right of the rows, and the rows.
const LEFT: f64 = 96.0;
const WIDTH: f64 = 1000.0;
const RIGHT: f64 = 84.0;
const TOP: f64 = 40.0;
const ROW: f64 = 24.0;
const GAP: f64 = 10.0;
/// What is narrower would not be seen.
const NARROWEST: f64 = 0.7;
/// The most marks of the axis.
const MARKS: u64 = 8;

/// Writes the page.
pub(super) fn html(timeline: &Timeline) -> String {
    let mut page = String::new();
    // Writing to a string does not fail.
    let _ = Page::new(timeline).write(&mut page);
    page
}

struct Page<'a> {
    timeline: &'a Timeline,
    /// The numbers of the workers, a row for each.
    ids: Vec<usize>,
}

impl<'a> Page<'a> {
    fn new(timeline: &'a Timeline) -> Self {
        let ids: BTreeSet<_> = timeline.tracks.iter().map(|track| track.id).collect();
        Self { timeline, ids: ids.into_iter().collect() }
    }

    /// The horizontal place of a moment.
    fn x(&self, moment: u64) -> f64 {
        let since = moment.clamp(self.timeline.start, self.timeline.end) - self.timeline.start;
        LEFT + WIDTH * since as f64 / (self.timeline.end - self.timeline.start) as f64
    }

    /// The vertical place of a worker's row.
    fn y(&self, id: usize) -> f64 {
        let row = self.ids.iter().position(|&other| other == id).unwrap_or_default();
        TOP + row as f64 * (ROW + GAP)
    }

    fn bottom(&self) -> f64 {
        TOP + self.ids.len() as f64 * (ROW + GAP)
    }

    fn write(&self, out: &mut String) -> fmt::Result {
        let style = include_str!("page.css");
        writeln!(out, "<!DOCTYPE html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">")?;
        writeln!(out, "<title>The run of a pool</title>\n<style>\n{style}</style>")?;
        self.write_head(out)?;
        let (width, height) = (LEFT + WIDTH + RIGHT, self.bottom() + 24.0);
        writeln!(
            out,
            "<svg viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"The run of a pool\">"
        )?;
        self.write_legend(out)?;
        self.write_axis(out)?;
        for track in &self.timeline.tracks {
            self.write_track(out, track)?;
        }
        // Above what is drawn of the next worker of the same row.
        self.timeline.tracks.iter().try_for_each(|track| self.write_death(out, track))?;
        self.ids.iter().try_for_each(|&id| self.write_names(out, id))?;
        writeln!(out, "</svg>")?;
        self.write_slowest(out)?;
        writeln!(out, "</html>")
    }

    fn write_head(&self, out: &mut String) -> fmt::Result {
        let tracks = &self.timeline.tracks;
        let (workers, duration) = (self.ids.len(), Time(self.timeline.end - self.timeline.start));
        let tasks: u64 = tracks.iter().map(|track| track.tasks).sum();
        let failed: u64 = tracks.iter().map(|track| track.failed).sum();
        let died = tracks.iter().filter(|track| has_died(track)).count();
        writeln!(out, "<h1>{tasks} tasks by {workers} workers in {duration}</h1>")?;
        write!(out, "<p>{failed} tasks failed, {died} workers died")?;
        match self.timeline.forgotten {
            0 => writeln!(out, "</p>"),
            more => writeln!(out, "; {more} workers before these are not shown</p>"),
        }
    }

    fn write_legend(&self, out: &mut String) -> fmt::Result {
        let kinds = [
            ("start", "start of a worker"),
            ("even", "task (pale: several, with pauses)"),
            ("failed", "failed task"),
            ("life", "waiting"),
        ];
        let mut x = LEFT;
        for (class, name) in kinds {
            writeln!(
                out,
                "<rect class=\"{class}\" x=\"{x}\" y=\"4\" width=\"14\" height=\"12\" rx=\"2\"/>\
                 <text x=\"{}\" y=\"14\">{name}</text>",
                x + 20.0
            )?;
            x += 44.0 + 6.4 * name.len() as f64;
        }
        write_cross(out, x + 6.0, 10.0)?;
        writeln!(out, "</g><text x=\"{}\" y=\"14\">death of a worker</text>", x + 20.0)
    }

    fn write_axis(&self, out: &mut String) -> fmt::Result {
        let (start, end) = (self.timeline.start, self.timeline.end);
        let step = step(end - start);
        let bottom = self.bottom();
        for mark in (0..=(end - start) / step).map(|n| n * step) {
            let x = self.x(start + mark);
            writeln!(
                out,
                "<path class=\"grid\" d=\"M{x:.1} {} V{bottom}\"/>\
                 <text class=\"faint middle\" x=\"{x:.1}\" y=\"{}\">{}</text>",
                TOP - 8.0,
                bottom + 14.0,
                Time(mark)
            )?;
        }
        Ok(())
    }

    fn write_track(&self, out: &mut String, track: &Track) -> fmt::Result {
        let end = track.ended.as_ref().map_or(self.timeline.end, |(end, _)| *end);
        let ready = track.ready.unwrap_or(end);
        let pid = track.pid;
        self.write_rect(out, "life", track, (ready, end), 1.0, format_args!("pid {pid}"))?;
        let took = Time(ready - track.started);
        let title = format_args!("pid {pid} was ready after {took}");
        self.write_rect(out, "start", track, (track.started, ready), 1.0, title)?;
        for (bar, class) in track.bars.iter().zip(["even", "odd"].into_iter().cycle()) {
            let class = if bar.failed > 0 { "failed" } else { class };
            let load = bar.busy as f64 / (bar.end - bar.start).max(1) as f64;
            let opacity = 0.35 + 0.65 * load.min(1.0);
            let title = Title { bar, start: self.timeline.start };
            let span = (bar.start, bar.end);
            self.write_rect(out, class, track, span, opacity, format_args!("{title}"))?;
        }
        Ok(())
    }

    fn write_rect(
        &self,
        out: &mut String,
        class: &str,
        track: &Track,
        (start, end): (u64, u64),
        opacity: f64,
        title: fmt::Arguments<'_>,
    ) -> fmt::Result {
        let (x, y) = (self.x(start), self.y(track.id));
        let width = (self.x(end) - x).max(NARROWEST);
        writeln!(
            out,
            "<rect class=\"{class} bar\" x=\"{x:.2}\" y=\"{y}\" width=\"{width:.2}\" \
             height=\"{ROW}\" fill-opacity=\"{opacity:.2}\"><title>{title}</title></rect>"
        )
    }

    fn write_death(&self, out: &mut String, track: &Track) -> fmt::Result {
        let Some((at, Ending::Died(how, task))) = &track.ended else { return Ok(()) };
        write_cross(out, self.x(*at), self.y(track.id) + ROW / 2.0)?;
        write!(out, "<title>pid {} {}", track.pid, Escaped(how))?;
        if let Some(task) = task {
            write!(out, " in task {task}")?;
        }
        writeln!(out, "</title></g>")
    }

    /// What stands left and right of a row: which worker it is, and how much of the time since it
    /// was ready it has worked.
    fn write_names(&self, out: &mut String, id: usize) -> fmt::Result {
        let y = self.y(id) + ROW / 2.0 + 4.0;
        let of_row = || self.timeline.tracks.iter().filter(|track| track.id == id);
        let name = of_row().next().map(|track| track.name()).unwrap_or_default();
        let name = Escaped(&name);
        let busy: u64 = of_row().map(|track| track.busy).sum();
        let waiting: u64 = of_row().map(|track| track.waiting(self.timeline.end)).sum();
        writeln!(out, "<text class=\"end\" x=\"{}\" y=\"{y}\">{name}</text>", LEFT - 12.0)?;
        if busy > 0 {
            let load = 100.0 * busy as f64 / (busy + waiting) as f64;
            let x = LEFT + WIDTH + 12.0;
            writeln!(out, "<text class=\"faint\" x=\"{x}\" y=\"{y}\">{load:.0} % busy</text>")?;
        }
        Ok(())
    }

    fn write_slowest(&self, out: &mut String) -> fmt::Result {
        let slowest = self.timeline.slowest();
        if slowest.is_empty() {
            return Ok(());
        }
        writeln!(out, "<h2>The slowest tasks</h2>\n<table>")?;
        writeln!(out, "<tr><th>task</th><th>took</th><th>pid</th></tr>")?;
        for ((index, took), pid) in slowest {
            let took = Time(took);
            writeln!(out, "<tr><td>{index}</td><td>{took}</td><td>{pid}</td></tr>")?;
        }
        writeln!(out, "</table>")
    }
}

/// Begins a group with the mark of a death.
fn write_cross(out: &mut String, x: f64, y: f64) -> fmt::Result {
    write!(out, "<g><path class=\"death\" d=\"M{:.1} {:.1} l9 9 m0 -9 l-9 9\"/>", x - 4.5, y - 4.5)
}

fn has_died(track: &Track) -> bool {
    matches!(&track.ended, Some((_, Ending::Died(..))))
}

/// The distance of the marks of an axis: 1, 2 or 5 of something.
fn step(duration: u64) -> u64 {
    let mut step = 1;
    for factor in [2, 5, 10].into_iter().cycle() {
        if duration / step <= MARKS {
            break;
        }
        step = step_after(step, factor);
    }
    step
}

/// The step after this one: `factor` times the power of ten below it.
fn step_after(step: u64, factor: u64) -> u64 {
    let power = 10_u64.pow(step.ilog10());
    factor * power
}

/// What a bar is.
struct Title<'a> {
    bar: &'a Bar,
    start: u64,
}

impl fmt::Display for Title<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Bar { start, end, index, tasks, failed, busy } = *self.bar;
        match tasks {
            1 => write!(f, "task {index}")?,
            tasks => write!(f, "{tasks} tasks from task {index} on, {} of work", Time(busy))?,
        }
        write!(f, ": {} from {} on", Time(end - start), Time(start.saturating_sub(self.start)))?;
        match failed {
            0 => Ok(()),
            1 if tasks == 1 => f.write_str(", failed"),
            failed => write!(f, ", {failed} failed"),
        }
    }
}

/// Nanoseconds, for people.
struct Time(u64);

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (unit, name) = match self.0 {
            0 => return f.write_str("0"),
            1_000_000_000.. => (1e9, "s"),
            1_000_000.. => (1e6, "ms"),
            1000.. => (1e3, "\u{b5}s"),
            _ => (1.0, "ns"),
        };
        let value = format!("{:.2}", self.0 as f64 / unit);
        write!(f, "{} {name}", value.trim_end_matches('0').trim_end_matches('.'))
    }
}

/// A text, as HTML wants it.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|char| match char {
            '&' => f.write_str("&amp;"),
            '<' => f.write_str("&lt;"),
            '>' => f.write_str("&gt;"),
            char => f.write_char(char),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Escaped, MARKS, Time, step};

    #[test]
    fn marks_are_few_and_round() {
        for (duration, wanted) in [(8, 1), (9, 2), (1000, 200), (1_000_000_000, 200_000_000)] {
            assert_eq!(step(duration), wanted, "{duration}");
        }
        for duration in (1..200).map(|n| n * n * n * n * 7919) {
            let marks = duration / step(duration);
            assert!((MARKS / 3..=MARKS).contains(&marks), "{marks} of {duration}");
        }
    }

    #[test]
    fn times_are_short() {
        let texts = [0, 999, 1500, 20_000_000, 1_234_567_890].map(|time| Time(time).to_string());
        assert_eq!(texts, ["0", "999 ns", "1.5 \u{b5}s", "20 ms", "1.23 s"]);
    }

    #[test]
    fn what_html_would_read_is_escaped() {
        assert_eq!(Escaped("a<b> & c").to_string(), "a&lt;b&gt; &amp; c");
    }
}
