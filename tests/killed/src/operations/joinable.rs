//! [`JoinableQueue`]: who joins waits for no dead consumer, and each lost task is told once.

use mp_queue::{JoinError, JoinableQueue};

use crate::notes::Notes;
use crate::operation::{Operation, Verdict, ensure, operation};
use crate::partner::Partner;

/// A queue of tasks of which the first two are put.
fn tasks(_: &Notes) -> JoinableQueue<u32> {
    let queue = JoinableQueue::new().unwrap();
    (1..=2).for_each(|number| queue.put(number).unwrap());
    queue
}

/// Does all that is left; then nobody waits for any task, and a death is told at most once.
fn finish(queue: &JoinableQueue<u32>, notes: &Notes, lost_at_most: u32) -> Verdict {
    while queue.try_get().is_ok() {
        queue.task_done().map_err(|error| error.to_string())?;
    }
    let mut lost_all = 0;
    loop {
        match queue.join() {
            Ok(()) => break,
            Err(JoinError::ConsumerDied { process, lost }) => {
                ensure!(process == notes.victim(), "{process} died");
                lost_all += lost;
            }
            Err(error) => return Err(error.to_string()),
        }
    }
    ensure!(lost_all <= lost_at_most, "{lost_all} tasks are lost");
    ensure!(queue.unfinished() == 0, "{} tasks are left", queue.unfinished());
    queue.put(3).map_err(|error| error.to_string())?;
    ensure!(queue.get().is_ok_and(|number| number == 3), "3 was put, and did not come");
    queue.task_done().map_err(|error| error.to_string())?;
    queue.join().map_err(|error| error.to_string())
}

pub(super) fn operations() -> Vec<Operation> {
    let put = operation("JoinableQueue: put", tasks)
        .victim(|queue, _| {
            Notes::mark();
            queue.put(3).unwrap();
        })
        .check(|queue, notes| {
            let expected = if notes.is_finished() { 3..=3 } else { 2..=3 };
            let unfinished = queue.unfinished();
            ensure!(expected.contains(&unfinished), "{unfinished} tasks are unfinished");
            finish(queue, notes, 0)
        });
    let got = operation("JoinableQueue: got and done", tasks)
        .victim(|queue, notes| {
            Notes::mark();
            queue.get().unwrap();
            notes.reach(1);
            queue.task_done().unwrap();
        })
        .check(|queue, notes| {
            let lost = u32::from(!notes.is_finished());
            finish(queue, notes, lost)
        });
    let joined = operation("JoinableQueue: joined", tasks)
        .victim(|queue, _| {
            Notes::mark();
            queue.join().unwrap();
        })
        .assist(|queue, _| {
            while queue.try_get().is_ok() {
                queue.task_done().unwrap();
            }
        })
        .check(|queue, notes| finish(queue, notes, 0));
    let awaited = |notes: &Notes| {
        let queue = tasks(notes);
        let wait = || match queue.join() {
            Ok(()) | Err(JoinError::ConsumerDied { .. }) => Ok(()),
            Err(error) => Err(error.to_string()),
        };
        let partner = Partner::waiting(wait);
        (queue, partner)
    };
    let done = operation("JoinableQueue: the last task done for one who joins", awaited)
        .victim(|(queue, partner), _| {
            queue.get().unwrap();
            queue.get().unwrap();
            queue.task_done().unwrap();
            partner.let_wait();
            Notes::mark();
            queue.task_done().unwrap();
        })
        .check(|(queue, partner), notes| {
            partner.join()?;
            finish(queue, notes, 1)
        });
    vec![put, got, joined, done]
}
