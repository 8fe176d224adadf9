//! How a service is asked to stop: by ctrl-c (SIGINT) or, as service managers and containers do, by SIGTERM.

use std::io;

use tokio::signal::unix::{SignalKind, signal};

/// Completes when this process is asked to stop, by SIGINT or SIGTERM alike. From this call on neither ends the process by
/// itself, even before what is returned is waited for.
///
/// # Errors
/// The system can't listen for signals.
///
/// # Panics
/// Outside a tokio runtime.
pub fn stop_signal() -> io::Result<impl Future<Output = ()> + Send + 'static> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

#[cfg(test)]
mod tests {
    use std::process::Command;
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn both_signals_ask_to_stop_even_before_they_are_waited_for() {
        for name in ["TERM", "INT"] {
            let stop = stop_signal().unwrap();
            // The shell's own `kill`: a program of that name need not be there.
            let kill = format!("kill -s {name} {}", std::process::id());
            assert!(
                Command::new("sh")
                    .args(["-c", &kill])
                    .status()
                    .unwrap()
                    .success()
            );
            let stopped = tokio::time::timeout(Duration::from_secs(30), stop).await;
            assert!(stopped.is_ok(), "{name}");
        }
    }
}
