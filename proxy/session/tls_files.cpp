#include "session/tls_files.hpp"

#include <sys/stat.h>

#include <utility>

namespace larder::session {

// A file that is not there has the stamp of nothing: its coming back is a change.
TlsFiles::Stamp TlsFiles::stamp_of(const std::string& path) {
  struct stat found {};
  if (path.empty() || ::stat(path.c_str(), &found) != 0) return {};
  return {found.st_dev, found.st_ino, found.st_size, found.st_mtim.tv_sec, found.st_mtim.tv_nsec};
}

TlsFiles::Look TlsFiles::look(bool always) {
  const Stamps stamps{stamp_of(files_.certificate), stamp_of(files_.key),
                      stamp_of(files_.client_ca)};
  if (stamps == seen_ && !always) return {};
  seen_ = stamps;
  MadeTlsContext made = make_server_context(files_);
  if (!made.context) return {Look::Result::refused, std::move(made.failure)};
  const std::scoped_lock lock(mutex_);
  context_ = std::move(made.context);
  return {Look::Result::taken, {}};
}

TlsContext TlsFiles::context() const {
  const std::scoped_lock lock(mutex_);
  return context_;
}

}  // namespace larder::session
