// Certificates for tests of TLS: a CA of its own, made with the openssl command in a folder that
// goes with this object.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>

#include <doctest/doctest.h>

namespace larder::test {

class Certificates {
 public:
  Certificates() {
    char name[] = "/tmp/larder-certificates-XXXXXX";
    REQUIRE(::mkdtemp(name) != nullptr);
    folder_ = name;
    run("req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=ca"
        " -keyout ca.key -out ca.pem");
  }
  Certificates(const Certificates&) = delete;
  Certificates& operator=(const Certificates&) = delete;
  ~Certificates() { std::filesystem::remove_all(folder_); }

  /// Signed by ca(), for the names given ("DNS:localhost,IP:127.0.0.1"). Files NAME.pem and
  /// NAME.key.
  void make(const std::string& name, const std::string& alternatives) const {
    run("req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=" + name + " -keyout " +
        name + ".key -out " + name + ".csr -addext subjectAltName=" + alternatives);
    run("x509 -req -in " + name + ".csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -out " +
        name + ".pem -copy_extensions copy");
  }
  [[nodiscard]] std::string file(const std::string& name) const { return folder_ + "/" + name; }
  [[nodiscard]] std::string ca() const { return file("ca.pem"); }

 private:
  void run(const std::string& arguments) const {
    const std::string command = "cd " + folder_ + " && openssl " + arguments + " >log 2>&1";
    REQUIRE_MESSAGE(std::system(command.c_str()) == 0, command);
  }

  std::string folder_;
};

}  // namespace larder::test
