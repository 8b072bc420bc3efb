// The app's one identity, with which it signs in everywhere.

@description('Name of the identity.')
param name string = 'id-swarmstar'

@description('Region.')
param location string = resourceGroup().location

@description('Tags.')
param tags object = {}

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = {
  name: name
  location: location
  tags: tags
}

@description('Resource id, to attach it.')
output id string = identity.id

@description('Client id, by which the app names it.')
output clientId string = identity.properties.clientId

@description('Object id, to which roles are given.')
output principalId string = identity.properties.principalId
