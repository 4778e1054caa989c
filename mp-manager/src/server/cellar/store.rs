//! The store on disk: a database of SQLite, in which an object is a number of rows.
//!
//! All that happens between two commits is one transaction. A commit is in the hands of the kernel
//! when it returns, so a kill of the server takes nothing of it back. The database is locked for
//! others as long as the server lives; the kernel unlocks it, however that ends.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, Error, ErrorCode, params};
use serde::{Deserialize, Serialize};

use crate::objects::Change;

/// What is kept, and where.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Keep {
    pub(crate) path: PathBuf,
    /// Each commit is on the disk itself when it returns.
    pub(crate) survives_power_loss: bool,
}

/// Tells our databases from others, and their versions: "mpmg" and a number.
const APPLICATION: i32 = 0x6d70_6d67;
const FORMAT: i32 = 1;

/// After so many pages of 4 KiB the journal is worked into the tables, for which the server waits
/// until the disk has written both: not often, since a busy disk may take its time.
const CHECKPOINT: u32 = 8192;

/// How long to wait for the end of a server that was killed a moment ago.
const PATIENCE: Duration = Duration::from_secs(5);

const SCHEMA: &str = "
    CREATE TABLE objects (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        name TEXT NOT NULL UNIQUE,
        kind INTEGER NOT NULL
    );
    CREATE TABLE rows (
        object INTEGER NOT NULL,
        row INTEGER NOT NULL,
        bytes BLOB NOT NULL,
        PRIMARY KEY (object, row)
    ) WITHOUT ROWID;
";

/// A row of an object, as it is read.
pub(super) struct Row<'a> {
    pub(super) row: i64,
    pub(super) bytes: &'a [u8],
}

/// An open database.
pub(super) struct Store {
    connection: Connection,
    is_in_transaction: bool,
}

fn say(error: Error) -> String {
    error.to_string()
}

impl Store {
    /// Opens the database, or makes it.
    pub(super) fn open(keep: &Keep) -> Result<Self, String> {
        let failed = |error| failed_to_open(&keep.path, error);
        let connection = Connection::open(&keep.path).map_err(failed)?;
        connection.busy_timeout(PATIENCE).map_err(failed)?;
        let synchronous = if keep.survives_power_loss { "FULL" } else { "NORMAL" };
        let settings =
            [("locking_mode", "EXCLUSIVE"), ("journal_mode", "WAL"), ("synchronous", synchronous)];
        for (name, value) in settings {
            connection.pragma_update(None, name, value).map_err(failed)?;
        }
        connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT).map_err(failed)?;
        let store = Self { connection, is_in_transaction: false };
        store.check(&keep.path)?;
        Ok(store)
    }

    /// Sees to it that the tables are there, and are ours.
    fn check(&self, path: &Path) -> Result<(), String> {
        let failed = |error| failed_to_open(path, error);
        let number = |name| self.connection.pragma_query_value(None, name, |row| row.get(0));
        let application: i32 = number("application_id").map_err(failed)?;
        let format: i32 = number("user_version").map_err(failed)?;
        let tables = "SELECT count(*) FROM sqlite_schema";
        let is_new = self.connection.query_row(tables, [], |row| Ok(row.get::<_, i64>(0)? == 0));
        match (application, format) {
            (APPLICATION, FORMAT) => Ok(()),
            (0, 0) if is_new.map_err(failed)? => {
                let script = format!(
                    "BEGIN IMMEDIATE; {SCHEMA} PRAGMA application_id = {APPLICATION}; \
                     PRAGMA user_version = {FORMAT}; COMMIT;"
                );
                self.connection.execute_batch(&script).map_err(failed)
            }
            (APPLICATION, other) => {
                Err(format!("{} is of format {other}, not {FORMAT}", path.display()))
            }
            _ => Err(format!("{} is a database of something else", path.display())),
        }
    }

    /// All objects: number, name and kind.
    pub(super) fn objects(&self) -> Result<Vec<(i64, String, u8)>, String> {
        let read = || {
            let mut statement =
                self.connection.prepare("SELECT number, name, kind FROM objects")?;
            let rows =
                statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
            rows.collect::<Result<_, Error>>()
        };
        read().map_err(say)
    }

    /// Shows all rows of an object, in order.
    pub(super) fn rows(
        &self,
        object: i64,
        mut show: impl FnMut(Row<'_>) -> Result<(), String>,
    ) -> Result<(), String> {
        let query = "SELECT row, bytes FROM rows WHERE object = ? ORDER BY row";
        let mut statement = self.connection.prepare(query).map_err(say)?;
        let mut rows = statement.query([object]).map_err(say)?;
        while let Some(row) = rows.next().map_err(say)? {
            let bytes =
                row.get_ref(1).map_err(say)?.as_blob().map_err(|error| error.to_string())?;
            show(Row { row: row.get(0).map_err(say)?, bytes })?;
        }
        Ok(())
    }

    /// Makes a place for an object; returns its number, which no other one ever gets.
    pub(super) fn create(&mut self, name: &str, kind: u8) -> Result<i64, String> {
        self.begin()?;
        let insert = "INSERT INTO objects (name, kind) VALUES (?, ?)";
        self.connection.execute(insert, params![name, kind]).map_err(say)?;
        Ok(self.connection.last_insert_rowid())
    }

    pub(super) fn delete(&mut self, object: i64) -> Result<(), String> {
        self.apply(object, vec![Change::Clear])?;
        self.connection.execute("DELETE FROM objects WHERE number = ?", [object]).map_err(say)?;
        Ok(())
    }

    /// Takes changes of an object in.
    pub(super) fn apply(&mut self, object: i64, changes: Vec<Change>) -> Result<(), String> {
        self.begin()?;
        let execute = |sql, params: &[&dyn rusqlite::ToSql]| {
            self.connection.prepare_cached(sql)?.execute(params)
        };
        for change in changes {
            let changed = match change {
                Change::Put { row, bytes } => execute(
                    "INSERT OR REPLACE INTO rows VALUES (?, ?, ?)",
                    params![object, row, bytes],
                ),
                Change::Remove { row } => {
                    execute("DELETE FROM rows WHERE object = ? AND row = ?", params![object, row])
                }
                Change::Clear => execute("DELETE FROM rows WHERE object = ?", params![object]),
            };
            changed.map_err(say)?;
        }
        Ok(())
    }

    fn begin(&mut self) -> Result<(), String> {
        if !self.is_in_transaction {
            self.run("BEGIN IMMEDIATE")?;
            self.is_in_transaction = true;
        }
        Ok(())
    }

    /// Keeps what was changed since the last time.
    pub(super) fn commit(&mut self) -> Result<(), String> {
        if self.is_in_transaction {
            self.run("COMMIT")?;
            self.is_in_transaction = false;
        }
        Ok(())
    }

    fn run(&self, sql: &str) -> Result<(), String> {
        self.connection.prepare_cached(sql).and_then(|mut it| it.execute([])).map_err(say)?;
        Ok(())
    }
}

fn failed_to_open(path: &Path, error: Error) -> String {
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            format!("{} is in use by another server", path.display())
        }
        _ => format!("cannot open {}: {error}", path.display()),
    }
}
