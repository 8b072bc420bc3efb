// Durable Task Scheduler: keeps orchestrations in place of the storage account.

@minLength(3)
@maxLength(64)
@description('Name of the scheduler.')
param name string = 'dts-swarmstar'

@description('Region.')
param location string = resourceGroup().location

@description('Tags.')
param tags object = {}

@description('Name of the task hub.')
param taskHubName string = 'swarmstar'

@description('The app: id and type.')
param appPrincipal object = {}

@minValue(1)
@maxValue(90)
@description('Days that ended orchestrations are kept.')
param retentionDays int = 7

var roles = {
  'Durable Task Data Contributor': '0ad04412-c4d5-4796-b79c-f76d14c8d402'
}

resource scheduler 'Microsoft.DurableTask/schedulers@2025-11-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    sku: {
      name: 'Consumption'
    }
    // Whoever comes needs the role below; the app's own addresses change.
    ipAllowlist: ['0.0.0.0/0']
  }
}

resource taskHub 'Microsoft.DurableTask/schedulers/taskHubs@2025-11-01' = {
  parent: scheduler
  name: taskHubName
}

resource retention 'Microsoft.DurableTask/schedulers/retentionPolicies@2025-11-01' = {
  parent: scheduler
  name: 'default'
  properties: {
    retentionPolicies: [
      { retentionPeriodInDays: retentionDays }
    ]
  }
}

resource contributor 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(taskHub.id, appPrincipal.id, roles['Durable Task Data Contributor'])
  scope: taskHub
  properties: {
    principalId: appPrincipal.id
    principalType: appPrincipal.type
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles['Durable Task Data Contributor'])
  }
}

@description('Endpoint.')
output endpoint string = scheduler.properties.endpoint
