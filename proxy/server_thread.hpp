// Server thread: one of those that serve clients. Of Server alone.
#pragma once

#include <atomic>
#include <memory>
#include <thread>

#include "ops/recorder.hpp"
#include "server.hpp"

namespace larder {

/// One thread: its worker, its listener, its timer for draining.
struct Server::Thread {
  Thread(session::Shared& shared, ops::Counters::Block& counters, ops::LineSource& lines,
         ops::SpanQueue* spans, ops::PageData& page,
         const std::shared_ptr<const session::RuleSet>& rules)
      : recorder(shared.settings, counters, lines, spans, page),
        worker(shared, recorder, rules),
        listener(worker),
        drain_timer(worker.io),
        store_timer(worker.io) {}
  ~Thread() { close_evictions(); }
  Thread(const Thread&) = delete;
  Thread& operator=(const Thread&) = delete;

  void close_evictions() {
    if (evictions) evictions->close();
  }

  ops::Recorder recorder;
  session::Worker worker;
  session::Listener listener;
  Timer drain_timer;
  Timer store_timer;
  std::shared_ptr<store::EvictionListener> evictions;  ///< of one thread, for all
  std::atomic<bool> store_available{false};
  std::atomic<unsigned> rounds{0};  ///< how often it has looked whether its store can be used
  unsigned rounds_seen = 0;         ///< of the main thread, for the service manager's watchdog
  bool is_leaving = false;          ///< the store has yet to leave something to the next process
  std::thread thread;
};

}  // namespace larder
