//! [`Partner`]: the other side of a measurement, which waits for orders on a socket.
//!
//! An order is a number of repeats, the answer says that they are done, or what went wrong. While
//! there is no order the partner sleeps, so that it disturbs no other system of the row.

use std::io::{ErrorKind, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use mp_handle::Descriptor;
use mp_process::{Func, Function, Process};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Place, Work};

/// Who has not answered after so long is said to hang.
pub(crate) const PATIENCE: Duration = Duration::from_secs(2);

/// The answer to an order: so many bytes of text follow. No text means that all went well.
type Length = u32;

pub(crate) struct Partner {
    orders: UnixStream,
    /// `None` if it is a thread.
    process: Option<Process<()>>,
}

impl Partner {
    /// Starts a process at `place`, where `work` makes of `context` what is then done.
    pub(crate) fn process<F, C>(place: Place, work: F, context: C) -> Result<Self>
    where
        F: Function<(C,), Output = Result<Work>>,
        C: Serialize + DeserializeOwned + 'static,
    {
        let (orders, link) = UnixStream::pair()?;
        let link = Descriptor::from(OwnedFd::from(link));
        let process =
            mp_process::spawn(serve_process::<C>, (link, place, Func::new(work)?, context))?;
        Self::new(orders, Some(process))
    }

    /// Starts a thread instead.
    pub(crate) fn thread(
        place: Place,
        work: impl FnOnce() -> Result<Work> + Send + 'static,
    ) -> Result<Self> {
        let (orders, link) = UnixStream::pair()?;
        thread::spawn(move || {
            let served = place.stay().and_then(|()| work()).and_then(|work| serve(&link, work));
            // Without an answer, whoever gives the orders sees the end of the socket.
            served.ok();
        });
        Self::new(orders, None)
    }

    fn new(orders: UnixStream, process: Option<Process<()>>) -> Result<Self> {
        orders.set_read_timeout(Some(PATIENCE))?;
        Ok(Self { orders, process })
    }

    /// Lets it begin.
    pub(crate) fn order(&mut self, count: usize) -> Result<()> {
        self.orders.write_all(&(count as u64).to_ne_bytes()).context("the partner has ended")
    }

    /// Waits until it has done what it was ordered to.
    pub(crate) fn finish(&mut self) -> Result<()> {
        let mut length = [0; size_of::<Length>()];
        match self.orders.read_exact(&mut length) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                self.kill().ok();
                bail!("hangs: not done after {PATIENCE:?}")
            }
            result => result.context("the partner has ended")?,
        }
        let mut failure = vec![0; Length::from_ne_bytes(length) as usize];
        self.orders.read_exact(&mut failure)?;
        ensure!(failure.is_empty(), "the partner: {}", String::from_utf8_lossy(&failure));
        Ok(())
    }

    /// Kills it, if it is a process.
    pub(crate) fn kill(&self) -> Result<()> {
        self.process.as_ref().context("a thread cannot be killed")?.kill()?;
        Ok(())
    }
}

impl Drop for Partner {
    /// The end of the orders ends it, cleanly if it can: some peers have files to remove.
    fn drop(&mut self) {
        self.orders.shutdown(std::net::Shutdown::Both).ok();
        if let Some(process) = &mut self.process
            && process.join_timeout(PATIENCE).is_none()
        {
            process.kill().ok();
            process.wait();
        }
    }
}

/// What a partner's process does all its life.
fn serve_process<C>(link: Descriptor, place: Place, work: Func<(C,), Result<Work>>, context: C) {
    let served = place.stay().and_then(|()| {
        let link = UnixStream::from(link.into_owned()?);
        match work.call((context,)) {
            Ok(work) => serve(&link, work),
            Err(error) => answer(&link, &format!("{error:#}")),
        }
    });
    // The one who gives the orders may be gone, and wants no more answers.
    served.ok();
}

fn serve(mut link: &UnixStream, mut work: Work) -> Result<()> {
    let mut count = [0; size_of::<u64>()];
    while link.read_exact(&mut count).is_ok() {
        let failure = match work(u64::from_ne_bytes(count) as usize) {
            Ok(()) => String::new(),
            Err(error) => format!("{error:#}"),
        };
        answer(link, &failure)?;
    }
    Ok(())
}

fn answer(mut link: &UnixStream, failure: &str) -> Result<()> {
    let mut bytes = (failure.len() as Length).to_ne_bytes().to_vec();
    bytes.extend(failure.as_bytes());
    Ok(link.write_all(&bytes)?)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::duo::repeat;

    #[test]
    fn does_as_often_as_ordered() -> Result<()> {
        let done = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&done);
        let count = move || {
            counter.fetch_add(1, Ordering::Relaxed);
            Ok(())
        };
        let mut partner = Partner::thread(Place::ANYWHERE, move || Ok(repeat(count)))?;
        for (order, total) in [(3, 3), (0, 3), (4, 7)] {
            partner.order(order)?;
            partner.finish()?;
            assert_eq!(done.load(Ordering::Relaxed), total);
        }
        Ok(())
    }

    #[test]
    fn says_what_went_wrong() -> Result<()> {
        let mut partner = Partner::thread(Place::ANYWHERE, || Ok(repeat(|| bail!("no luck"))))?;
        partner.order(1)?;
        let error = partner.finish().unwrap_err();
        assert_eq!(error.to_string(), "the partner: no luck");
        Ok(())
    }
}
