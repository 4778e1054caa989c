//! Did we lose ground? Ratios to the peers, and instructions, are compared with a stored file.
//!
//! Times differ from machine to machine and from hour to hour; how many times better we are than a
//! peer in the same turn differs less. The rule for each peer of each row:
//!
//! - It is a loss if the median ratio is more than 15 % below the stored one, **and** the middle
//!   half of the new ratios lies wholly below the stored middle half.
//! - It is a loss if ours has no figure where it had one.
//! - A row with a loss that was noisy is measured once more, and the second time counts. What is
//!   noisy twice is compared nevertheless, but never stored.
//! - Rows and peers that only one side has are named, and are no loss.
//!
//! For each hot path it is a loss if it takes over 2 % more instructions than stored.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::instructions::Count;
use crate::options::Options;
use crate::report::{self, Report, RowReport};
use crate::row::Kind;
use crate::stats::Quartiles;
use crate::table;

const LESS: f64 = 0.85;
const MORE_INSTRUCTIONS: f64 = 1.02;

/// Of each row, the ratio to each peer.
type Rows = BTreeMap<String, BTreeMap<String, Quartiles>>;

/// What is stored. A quick run has its own ratios: what is done once weighs more in it.
#[derive(Default, Serialize, Deserialize)]
struct Expected {
    full: Rows,
    quick: Rows,
    instructions: BTreeMap<String, f64>,
}

/// What the comparison came to.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Verdict {
    losses: Vec<String>,
    notes: Vec<String>,
}

impl Verdict {
    /// Prints a line for each note and each loss.
    pub(crate) fn exit_code(self) -> ExitCode {
        self.notes.iter().for_each(|note| eprintln!("note: {note}"));
        self.losses.iter().for_each(|loss| eprintln!("LOSS: {loss}"));
        if self.losses.is_empty() {
            eprintln!("no loss");
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        }
    }

    fn join(&mut self, other: Self) {
        self.losses.extend(other.losses);
        self.notes.extend(other.notes);
    }
}

/// Compares rows and instructions, or stores them.
pub(crate) fn all(mut report: Report, counts: &[Count], options: &Options) -> Result<Verdict> {
    let file = options.check.as_deref().context("no file to compare with")?;
    let mut expected = Expected::load(file)?;
    let rows = if report.quick { &mut expected.quick } else { &mut expected.full };
    let mut verdict = Verdict::default();
    // What was saved stays as it is.
    let may_repeat = options.from.is_none();
    for i in 0..report.rows.len() {
        let name = report.rows[i].name.clone();
        if options.update {
            if may_repeat {
                again_if_noisy(&mut report, i, &mut verdict)?;
            }
            let row = &report.rows[i];
            // Noise is nothing to expect.
            if row.noise.is_empty() {
                rows.insert(name, ratios(row));
            }
        } else if let Some(stored) = rows.get(&name) {
            let mut judged = judge_row(stored, &report.rows[i]);
            let is_loss = may_repeat && !judged.losses.is_empty();
            if is_loss && again_if_noisy(&mut report, i, &mut verdict)? {
                judged = judge_row(stored, &report.rows[i]);
            }
            verdict.join(judged);
        } else if !ratios(&report.rows[i]).is_empty() {
            verdict.notes.push(format!("{name} is new"));
        }
    }
    if options.update {
        rows.retain(|_, peers| !peers.is_empty());
        expected.store(counts, file)?;
    } else {
        verdict.join(judge_counts(&expected.instructions, counts));
    }
    Ok(verdict)
}

/// Measures the row once more if it was noisy; returns whether it was.
fn again_if_noisy(report: &mut Report, row: usize, verdict: &mut Verdict) -> Result<bool> {
    let first = &report.rows[row];
    if first.noise.is_empty() {
        return Ok(false);
    }
    let again = table::measure_again(first, report)?;
    let outcome = if again.noise.is_empty() { "quiet" } else { "noisy again" };
    verdict
        .notes
        .push(format!("{} was noisy, was measured once more, and is {outcome}", first.name));
    report.rows[row] = again;
    Ok(true)
}

/// Compares instructions, or stores them.
pub(crate) fn instructions_only(counts: &[Count], options: &Options) -> Result<Verdict> {
    let file = options.check.as_deref().context("no file to compare with")?;
    let expected = Expected::load(file)?;
    if options.update {
        expected.store(counts, file)?;
        return Ok(Verdict::default());
    }
    Ok(judge_counts(&expected.instructions, counts))
}

impl Expected {
    /// What is not there yet is empty.
    fn load(file: &Path) -> Result<Self> {
        match fs::read(file) {
            Ok(bytes) => serde_json::from_slice(&bytes).with_context(|| file.display().to_string()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(error).with_context(|| file.display().to_string()),
        }
    }

    fn store(mut self, counts: &[Count], file: &Path) -> Result<()> {
        self.instructions.extend(counts.iter().map(|count| (count.path.to_owned(), count.each)));
        report::save(file, &self)?;
        eprintln!("stored in {}", file.display());
        Ok(())
    }
}

/// The first system is ours, and limits and threads are not to be beaten.
fn ratios(row: &RowReport) -> BTreeMap<String, Quartiles> {
    let peers = row.outcomes.iter().skip(1).filter(|outcome| outcome.kind == Kind::Contender);
    let ratio = |figures: &crate::stats::Figures| figures.advantage;
    peers
        .filter_map(|peer| Some((peer.system.clone(), peer.figures.as_ref().and_then(ratio)?)))
        .collect()
}

fn judge_row(stored: &BTreeMap<String, Quartiles>, row: &RowReport) -> Verdict {
    let mut verdict = Verdict::default();
    let name = &row.name;
    if row.outcomes.first().is_some_and(|ours| ours.figures.is_none()) {
        verdict.losses.push(format!("{name}: ours has no figure, as it had"));
        return verdict;
    }
    let now = ratios(row);
    for (peer, was) in stored {
        match now.get(peer) {
            None => verdict.notes.push(format!("{name}: {peer} is missing")),
            Some(is) if is_loss(was, is) => verdict.losses.push(format!(
                "{name}: {:.2}x of {peer} [{:.2} .. {:.2}], was {:.2}x [{:.2} .. {:.2}]",
                is.median, is.low, is.high, was.median, was.low, was.high
            )),
            Some(_) => {}
        }
    }
    let new = now.keys().filter(|peer| !stored.contains_key(*peer));
    verdict.notes.extend(new.map(|peer| format!("{name}: {peer} is new")));
    verdict
}

fn is_loss(was: &Quartiles, is: &Quartiles) -> bool {
    is.median < LESS * was.median && is.high < was.low
}

fn judge_counts(stored: &BTreeMap<String, f64>, counts: &[Count]) -> Verdict {
    let mut verdict = Verdict::default();
    for Count { path, each } in counts {
        match stored.get(*path) {
            None => verdict.notes.push(format!("{path} is new")),
            Some(was) if *each > was * MORE_INSTRUCTIONS => {
                verdict.losses.push(format!("{path}: {each:.1} instructions, was {was:.1}"));
            }
            Some(_) => {}
        }
    }
    verdict
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Outcome;
    use crate::row::Better;
    use crate::stats::Figures;

    fn around(median: f64) -> Quartiles {
        Quartiles { low: median * 0.9, median, high: median * 1.1 }
    }

    fn outcome(system: &str, kind: Kind, advantage: Option<Quartiles>) -> Outcome {
        let figures = Figures { median: 1.0, min: 1.0, max: 1.0, advantage };
        let (samples, system) = (vec![1.0], system.to_owned());
        Outcome { system, kind, samples, figures: Some(figures), words: None, missing: None }
    }

    fn row(peers: &[(&str, Quartiles)]) -> RowReport {
        let ours = outcome("ours", Kind::Contender, Some(around(1.0)));
        let limit = outcome("bare", Kind::Limit, Some(around(0.1)));
        let peers = peers.iter().map(|(name, by)| outcome(name, Kind::Contender, Some(*by)));
        RowReport {
            group: "group".into(),
            name: "row".into(),
            about: String::new(),
            unit: "ms".into(),
            better: Better::Lower,
            noise: Vec::new(),
            seconds: 0.0,
            outcomes: [ours, limit].into_iter().chain(peers).collect(),
        }
    }

    #[test]
    fn only_peers_are_stored() {
        let stored = ratios(&row(&[("peer", around(3.0))]));
        assert_eq!(stored.into_keys().collect::<Vec<_>>(), ["peer"]);
    }

    #[test]
    fn a_loss_is_clear_and_large() {
        assert!(is_loss(&around(10.0), &around(5.0)));
        // As large, but both times it varied more than that.
        let wide = |median| Quartiles { low: median * 0.5, median, high: median * 1.6 };
        assert!(!is_loss(&wide(10.0), &wide(5.0)));
        // As clear, but small.
        let sharp = |median| Quartiles { low: median, median, high: median };
        assert!(!is_loss(&sharp(10.0), &sharp(9.0)));
        assert!(!is_loss(&around(10.0), &around(20.0)));
    }

    #[test]
    fn rows_are_judged_by_peer() {
        let stored =
            ratios(&row(&[("lost", around(10.0)), ("kept", around(2.0)), ("gone", around(2.0))]));
        let now = row(&[("lost", around(5.0)), ("kept", around(2.0)), ("newcomer", around(2.0))]);
        let verdict = judge_row(&stored, &now);
        assert_eq!(
            verdict.losses,
            ["row: 5.00x of lost [4.50 .. 5.50], was 10.00x [9.00 .. 11.00]"]
        );
        assert_eq!(verdict.notes, ["row: gone is missing", "row: newcomer is new"]);
    }

    #[test]
    fn ours_must_not_go_missing() {
        let stored = ratios(&row(&[("peer", around(3.0))]));
        let mut now = row(&[]);
        now.outcomes[0].figures = None;
        assert_eq!(judge_row(&stored, &now).losses.len(), 1);
    }

    #[test]
    fn instructions_may_grow_by_two_percent() {
        let stored = BTreeMap::from([("push".to_owned(), 100.0)]);
        let judge = |each| judge_counts(&stored, &[Count { path: "push", each }]).losses.len();
        assert_eq!((judge(101.9), judge(102.1), judge(50.0)), (0, 1, 0));
    }
}
