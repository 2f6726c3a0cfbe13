# What `cmake --install` puts beside the binary, and the Debian package. Read by proxy/CMakeLists.txt
# where this folder is there: the image's build takes the binary alone.
include(GNUInstallDirs)

# Manual pages and completions are what the binary prints of itself.
set(written ${CMAKE_BINARY_DIR}/written)
file(MAKE_DIRECTORY ${written}/man1)
if(CMAKE_CROSSCOMPILING OR LARDER_SANITIZE)
  message(STATUS "manual pages and completions are not made: the binary cannot be run, or is for tests")
else()
  add_custom_command(TARGET larder POST_BUILD
    COMMAND larder manual --into ${written}/man1
    COMMAND larder completion bash > ${written}/larder.bash
    COMMAND larder completion zsh > ${written}/_larder
    COMMAND larder completion fish > ${written}/larder.fish
    COMMENT "Writing manual pages and completions")
  install(DIRECTORY ${written}/man1 DESTINATION ${CMAKE_INSTALL_MANDIR})
  install(FILES ${written}/larder.bash DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME larder)
  install(FILES ${written}/_larder DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions)
  install(FILES ${written}/larder.fish DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)
endif()

set(repository ${CMAKE_CURRENT_LIST_DIR}/..)
set(systemd ${CMAKE_CURRENT_LIST_DIR}/systemd)
install(FILES ${systemd}/larder.service ${systemd}/larder.socket DESTINATION lib/systemd/system)
install(FILES ${systemd}/larder.sysusers.conf DESTINATION lib/sysusers.d RENAME larder.conf)
set(examples ${CMAKE_INSTALL_DATADIR}/doc/larder/examples)
install(FILES ${systemd}/larder.env ${systemd}/rules.yaml ${repository}/rules/resumate.yaml
  ${repository}/rules/resumate.test.yaml DESTINATION ${examples})
install(FILES ${repository}/README.md DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/larder)
install(FILES ${repository}/rules/README.md DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/larder RENAME rules.md)
install(FILES ${repository}/deploy/operating.md DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/larder)
install(FILES ${repository}/rules/larder.schema.json DESTINATION ${CMAKE_INSTALL_DATADIR}/larder)

include(${CMAKE_CURRENT_LIST_DIR}/debian/package.cmake)
