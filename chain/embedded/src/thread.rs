//! A chain on a thread of its own, for callers on many threads.

use std::{
    sync::mpsc::{channel, Sender},
    thread,
};

use crate::{EmbeddedChain, Genesis};

/// Stack of the chain's thread. Contracts call each other up to 25 deep and the
/// interpreter's frames are large in a build for development: this is ample.
const STACK_BYTES: usize = 64 * 1024 * 1024;

/// Work for the chain's thread.
type Job = Box<dyn FnOnce(&mut EmbeddedChain) + Send>;

/// The chain's thread has ended: something that ran on it panicked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the embedded chain has stopped: an earlier call panicked (see its message above)")]
pub struct ChainStopped;

/// A chain on a thread of its own. Clones share the chain; the thread ends with the last
/// of them.
#[derive(Debug, Clone)]
pub struct EmbeddedHandle {
    jobs: Sender<Job>,
}

impl EmbeddedHandle {
    /// Starts a new chain.
    ///
    /// # Errors
    /// If the system gives no thread.
    pub fn start(genesis: Genesis) -> std::io::Result<Self> {
        let (jobs, inbox) = channel::<Job>();
        thread::Builder::new()
            .name("embedded-chain".into())
            .stack_size(STACK_BYTES)
            .spawn(move || {
                let mut chain = EmbeddedChain::new(genesis);
                for job in inbox {
                    job(&mut chain);
                }
            })?;
        Ok(Self { jobs })
    }

    /// Runs `work` on the chain, after what was asked before, and waits for its result.
    ///
    /// # Errors
    /// If the chain has stopped, or stops because `work` panics.
    pub fn run<R, F>(&self, work: F) -> Result<R, ChainStopped>
    where
        R: Send + 'static,
        F: FnOnce(&mut EmbeddedChain) -> R + Send + 'static,
    {
        let (answer, wait) = channel();
        self.then(work, move |result| {
            // Only this call waits for it, and it does so below.
            let _ = answer.send(result);
        })?;
        wait.recv().map_err(|_| ChainStopped)
    }

    /// Runs `work` on the chain, after what was asked before, and hands its result to
    /// `done` on the chain's thread: for callers that must not wait. `done` is dropped
    /// uncalled if `work` panics.
    ///
    /// # Errors
    /// If the chain has stopped.
    pub fn then<R, F, D>(&self, work: F, done: D) -> Result<(), ChainStopped>
    where
        F: FnOnce(&mut EmbeddedChain) -> R + Send + 'static,
        D: FnOnce(R) + Send + 'static,
    {
        self.jobs
            .send(Box::new(move |chain| done(work(chain))))
            .map_err(|_| ChainStopped)
    }
}
