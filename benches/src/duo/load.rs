//! [`Load`]: other work that keeps the processors busy, while a sample is taken and no longer.

use std::cell::OnceCell;
use std::hint;
use std::rc::Rc;

use anyhow::Result;
use mp_process::Process;

use super::{Place, Places};
use crate::row::{Answer, Measure, System};

/// A process of the usual priority on each of the two processors, which does nothing but spin.
///
/// Between samples they are stopped. The systems of a row share them.
#[derive(Clone, Default)]
pub(crate) struct Load {
    spinners: Rc<OnceCell<Vec<Process<()>>>>,
}

impl Load {
    /// Lets the processors be busy while a sample of the system is taken.
    pub(crate) fn over(&self, system: System) -> System {
        let load = self.clone();
        let answer = match system.answer {
            Answer::Figures(setup) => Answer::Figures(Box::new(move || {
                let mut measure = setup()?;
                let measure: Measure = Box::new(move || {
                    let _busy = load.resume()?;
                    measure()
                });
                Ok(measure)
            })),
            words @ Answer::Words(_) => words,
        };
        System { answer, ..system }
    }

    fn resume(&self) -> Result<Busy<'_>> {
        if self.spinners.get().is_none() {
            let Places { here, there } = Places::two_cores()?;
            let spinners = [here, there].map(|place| mp_process::spawn(spin, (place,)));
            self.spinners.set(spinners.into_iter().collect::<Result<_, _>>()?).ok();
        }
        let busy = Busy { spinners: self.spinners.get().map_or(&[], Vec::as_slice) };
        busy.signal(libc::SIGCONT);
        Ok(busy)
    }
}

/// Stops the spinners when dropped.
struct Busy<'a> {
    spinners: &'a [Process<()>],
}

impl Busy<'_> {
    fn signal(&self, signal: i32) {
        // It fails only if the child has ended.
        self.spinners.iter().for_each(|spinner| drop(spinner.send_signal(signal)));
    }
}

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.signal(libc::SIGSTOP);
    }
}

impl Drop for Load {
    /// The last one ends them.
    fn drop(&mut self) {
        if let Some(spinners) = Rc::get_mut(&mut self.spinners).and_then(OnceCell::take) {
            for spinner in spinners {
                spinner.kill().ok();
                spinner.wait();
            }
        }
    }
}

fn spin(place: Place) {
    if place.stay().is_ok() {
        loop {
            hint::spin_loop();
        }
    }
}
