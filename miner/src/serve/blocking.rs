//! Work that would hold up the runtime, on threads of its own.

/// Runs `work` on a blocking thread. A panic in it is the miner's: it goes down loudly.
pub async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}
