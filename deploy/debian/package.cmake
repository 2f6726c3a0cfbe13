# The Debian package: `cd .build/release && cpack -G DEB`. How it is tried: tests/packaging/run.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME larder)
set(CPACK_PACKAGE_VERSION ${LARDER_VERSION})
set(CPACK_PACKAGE_CONTACT "Larder maintainers <maintainers@larder.invalid>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "caching reverse proxy in front of a Django API")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION "\
Clients talk to Larder, Larder talks to Django. Which GETs are cached, under
which key and for how long, stands in one YAML file. Stored responses live in
memory and in a Redis that all replicas share, and a write through Larder
evicts what it made old before the writer gets the answer.

As installed it listens on 127.0.0.1:8080, passes everything on to
127.0.0.1:8000 and caches nothing.")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION httpd)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS "adduser, init-system-helpers (>= 1.54~)")
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "ca-certificates")
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "redis-server, bash-completion")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(debian ${CMAKE_CURRENT_LIST_DIR})
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA ${debian}/conffiles ${debian}/postinst ${debian}/prerm ${debian}/postrm)
# What Debian wants otherwise than `cmake --install` has it.
set(CPACK_PRE_BUILD_SCRIPTS ${debian}/arrange.cmake)
set(CPACK_OUTPUT_FILE_PREFIX ${CMAKE_BINARY_DIR})
set(CPACK_LARDER_SOURCES ${CMAKE_CURRENT_LIST_DIR}/..)
set(CPACK_VERBATIM_VARIABLES ON)
include(CPack)
