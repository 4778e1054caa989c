//! What came of it: the data that is printed, drawn, saved and compared.

use std::fs::File;
use std::io::{BufReader, BufWriter, Write};
use std::path::Path;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::machine::Machine;
use crate::noise::Drift;
use crate::row::{Better, Kind, Row, System};
use crate::stats::Figures;

/// The whole table.
#[derive(Serialize, Deserialize)]
pub(crate) struct Report {
    #[serde(flatten)]
    pub(crate) machine: Machine,
    /// A processor list, or nothing if the system places everything.
    pub(crate) pinned: Option<String>,
    pub(crate) quick: bool,
    pub(crate) runs: usize,
    pub(crate) drift: Drift,
    pub(crate) rows: Vec<RowReport>,
}

/// A row that was measured.
#[derive(Serialize, Deserialize)]
pub(crate) struct RowReport {
    pub(crate) group: String,
    pub(crate) name: String,
    pub(crate) about: String,
    pub(crate) unit: String,
    pub(crate) better: Better,
    /// Why not to trust it, if there is a reason.
    pub(crate) noise: Vec<String>,
    /// All of it: set-up, turns, and clearing away.
    pub(crate) seconds: f64,
    pub(crate) outcomes: Vec<Outcome>,
}

/// What one system did, or why it did nothing.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Outcome {
    pub(crate) system: String,
    pub(crate) kind: Kind,
    /// In the order of the turns.
    pub(crate) samples: Vec<f64>,
    #[serde(flatten)]
    pub(crate) figures: Option<Figures>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) words: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) missing: Option<String>,
}

impl Report {
    pub(crate) fn load(path: &Path) -> Result<Self> {
        let file = File::open(path).with_context(|| path.display().to_string())?;
        serde_json::from_reader(BufReader::new(file)).with_context(|| path.display().to_string())
    }

    pub(crate) fn save(&self, path: &Path) -> Result<()> {
        save(path, self)
    }

    /// The names of the groups, in the order of the table.
    pub(crate) fn groups(&self) -> Vec<&str> {
        let mut groups: Vec<_> = self.rows.iter().map(|row| row.group.as_str()).collect();
        groups.dedup();
        groups
    }
}

/// Writes a file that people may want to read, too.
pub(crate) fn save(path: &Path, value: &impl Serialize) -> Result<()> {
    let write = || {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let mut file = BufWriter::new(File::create(path)?);
        serde_json::to_writer_pretty(&mut file, value)?;
        writeln!(file)?;
        file.flush()
    };
    write().with_context(|| path.display().to_string())
}

impl RowReport {
    pub(crate) fn new(group: &str, row: &Row) -> Self {
        Self {
            group: group.to_owned(),
            name: row.name.clone(),
            about: row.about.clone(),
            unit: row.unit.to_owned(),
            better: row.better,
            noise: Vec::new(),
            seconds: 0.0,
            outcomes: Vec::new(),
        }
    }

    pub(crate) fn title(&self) -> String {
        let better = match self.better {
            Better::Lower => "lower",
            Better::Higher => "higher",
        };
        match self.unit.as_str() {
            "" => self.about.clone(),
            unit => format!("{} ({unit}, {better} is better)", self.about),
        }
    }
}

impl Outcome {
    pub(crate) fn missing(system: &System, why: String) -> Self {
        Self { missing: Some(why), ..Self::nothing(system) }
    }

    /// No figures, no words, no reason yet.
    pub(crate) fn nothing(system: &System) -> Self {
        Self {
            system: system.name.clone(),
            kind: system.kind,
            samples: Vec::new(),
            figures: None,
            words: None,
            missing: None,
        }
    }

    /// The name, with what it is if it is no contender.
    pub(crate) fn title(&self) -> String {
        match self.kind {
            Kind::Contender => self.system.clone(),
            Kind::Limit => format!("limit: {}", self.system),
            Kind::Ceiling => format!("threads: {}", self.system),
        }
    }
}
