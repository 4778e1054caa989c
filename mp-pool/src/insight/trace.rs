//! The run in the format of Chrome's trace viewer: a list of events, times in microseconds.

use std::fmt::{self, Write};

use super::timeline::Timeline;
use super::track::{Bar, Ending, Track};

/// All rows belong to one process, the pool.
const POOL: u32 = 1;

/// Writes the run as JSON.
pub(super) fn json(timeline: &Timeline) -> String {
    let mut events = Events { out: String::from("{\"traceEvents\":["), start: timeline.start };
    let pool = format_args!("\"name\":\"process_name\",\"args\":{{\"name\":\"pool\"}}");
    events.push("M", 0, pool);
    for track in &timeline.tracks {
        events.track(track, timeline.end);
    }
    events.out.push_str("\n],\"displayTimeUnit\":\"ms\"}\n");
    events.out
}

struct Events {
    out: String,
    start: u64,
}

impl Events {
    /// Adds an event of the worker `id`, with `rest` as its further members.
    fn push(&mut self, phase: &str, id: usize, rest: fmt::Arguments<'_>) {
        let comma = if self.out.ends_with('[') { "" } else { "," };
        // Writing to a string does not fail.
        let _ =
            write!(self.out, "{comma}\n{{\"ph\":\"{phase}\",\"pid\":{POOL},\"tid\":{id},{rest}}}");
    }

    fn time(&self, moment: u64) -> Micros {
        Micros(moment.saturating_sub(self.start))
    }

    fn track(&mut self, track: &Track, now: u64) {
        let (id, pid) = (track.id, track.pid);
        self.push(
            "M",
            id,
            format_args!(
                "\"name\":\"thread_name\",\"args\":{{\"name\":{}}}",
                Quoted(&track.name())
            ),
        );
        let ended = track.ended.as_ref().map_or(now, |(end, _)| *end);
        let begun = self.time(track.started);
        let took = Micros(track.ready.unwrap_or(ended).saturating_sub(track.started));
        self.push("X", id, format_args!(
            "\"name\":\"start\",\"cat\":\"worker\",\"ts\":{begun},\"dur\":{took},\"args\":{{\"pid\":{pid}}}"
        ));
        for bar in &track.bars {
            self.bar(id, pid, bar);
        }
        if let Some((at, Ending::Died(how, _))) = &track.ended {
            let (at, how) = (self.time(*at), Quoted(how));
            self.push("i", id, format_args!(
                "\"name\":\"death\",\"cat\":\"worker\",\"ts\":{at},\"s\":\"t\",\"args\":{{\"pid\":{pid},\"how\":{how}}}"
            ));
        }
    }

    fn bar(&mut self, id: usize, pid: u32, bar: &Bar) {
        let Bar { start, end, index, tasks, failed, busy } = *bar;
        let (at, took, busy) = (self.time(start), Micros(end - start), Micros(busy));
        let name = if tasks == 1 { format!("task {index}") } else { format!("{tasks} tasks") };
        self.push("X", id, format_args!(
            "\"name\":\"{name}\",\"cat\":\"task\",\"ts\":{at},\"dur\":{took},\"args\":{{\"pid\":{pid},\
             \"first\":{index},\"tasks\":{tasks},\"failed\":{failed},\"busy_us\":{busy}}}"
        ));
    }
}

/// Nanoseconds, written as microseconds.
struct Micros(u64);

impl fmt::Display for Micros {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:03}", self.0 / 1000, self.0 % 1000)
    }
}

/// A text, as a string of JSON.
struct Quoted<'a>(&'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        for char in self.0.chars() {
            match char {
                '"' | '\\' => write!(f, "\\{char}")?,
                char if char < ' ' => write!(f, "\\u{:04x}", u32::from(char))?,
                char => f.write_char(char)?,
            }
        }
        f.write_char('"')
    }
}

#[cfg(test)]
mod tests {
    use super::Quoted;

    #[test]
    fn texts_are_quoted_as_json_wants_them() {
        let text = Quoted("a \"b\" \\ c\n\u{1}\u{e9}").to_string();
        assert_eq!(text, "\"a \\\"b\\\" \\\\ c\\u000a\\u0001\u{e9}\"");
    }
}
