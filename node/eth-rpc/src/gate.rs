//! Heavy work off the async threads, a bounded amount at a time.

use crate::error::{self, RpcResult};
use std::sync::Arc;
use tokio::sync::Semaphore;

/// How many requests may wait for each place before new ones are turned away.
const WAITING_PER_PLACE: usize = 64;

/// Lets a fixed number of jobs run at once; some more wait, the rest are refused. So neither the
/// threads of the node nor its memory run out, whatever clients ask for.
#[derive(Clone)]
pub(crate) struct Gate {
    size: usize,
    places: Arc<Semaphore>,
    queue: Arc<Semaphore>,
}

impl Gate {
    /// A gate with so many places, at least one.
    pub(crate) fn new(places: usize) -> Self {
        let size = places.max(1);
        let queue = size.saturating_mul(WAITING_PER_PLACE.saturating_add(1));
        let (places, queue) = (Semaphore::new(size), Semaphore::new(queue));
        Self { size, places: Arc::new(places), queue: Arc::new(queue) }
    }

    /// How many jobs run.
    pub(crate) fn running(&self) -> usize {
        self.size.saturating_sub(self.places.available_permits())
    }

    /// Runs `job` on a thread that may block, as soon as there is a place.
    pub(crate) async fn run<T, E, F>(&self, job: F) -> RpcResult<T>
    where
        T: Send + 'static,
        E: Into<jsonrpsee::types::ErrorObjectOwned> + Send + 'static,
        F: FnOnce() -> Result<T, E> + Send + 'static,
    {
        let _queued = self.queue.clone().try_acquire_owned().map_err(|_| {
            error::limit_exceeded("too many requests are waiting for execution: try again later")
        })?;
        let place = self.places.clone().acquire_owned().await.map_err(error::internal)?;
        let job = move || {
            let result = job();
            // The place is free when the work ends, even if nobody waits for it any more.
            drop(place);
            result
        };
        tokio::task::spawn_blocking(job).await.map_err(error::internal)?.map_err(Into::into)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jsonrpsee::types::ErrorObjectOwned;
    use std::{
        sync::atomic::{AtomicUsize, Ordering},
        time::Duration,
    };

    #[tokio::test(flavor = "multi_thread")]
    async fn no_more_jobs_run_than_there_are_places() {
        let gate = Gate::new(2);
        let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let jobs = (0..20).map(|_| {
            let (gate, running, most) = (gate.clone(), running.clone(), most.clone());
            tokio::spawn(async move {
                gate.run(move || {
                    most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    std::thread::sleep(Duration::from_millis(5));
                    running.fetch_sub(1, Ordering::SeqCst);
                    Ok::<_, ErrorObjectOwned>(())
                })
                .await
            })
        });
        for job in jobs.collect::<Vec<_>>() {
            job.await.unwrap().unwrap();
        }
        assert_eq!(most.load(Ordering::SeqCst), 2);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn flood_is_turned_away_and_not_queued() {
        let gate = Gate::new(1);
        let (done, wait) = std::sync::mpsc::channel::<()>();
        let blocked = gate.clone();
        let first = tokio::spawn(async move {
            blocked.run(move || Ok::<_, ErrorObjectOwned>(wait.recv().is_ok())).await
        });
        while gate.places.available_permits() > 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let waiting: Vec<_> = (0..WAITING_PER_PLACE)
            .map(|_| {
                let gate = gate.clone();
                tokio::spawn(async move { gate.run(|| Ok::<_, ErrorObjectOwned>(true)).await })
            })
            .collect();
        while gate.queue.available_permits() > 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let refused = gate.run(|| Ok::<_, ErrorObjectOwned>(true)).await.unwrap_err();
        assert_eq!(refused.code(), error::LIMIT_EXCEEDED);
        done.send(()).unwrap();
        assert!(first.await.unwrap().unwrap());
        for job in waiting {
            assert!(job.await.unwrap().unwrap());
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn panic_of_a_job_frees_its_place() {
        let gate = Gate::new(1);
        let panicking = gate.run(|| -> Result<(), ErrorObjectOwned> { panic!("on purpose") });
        assert!(panicking.await.is_err());
        assert_eq!(gate.run(|| Ok::<_, ErrorObjectOwned>(7)).await.unwrap(), 7);
    }
}
